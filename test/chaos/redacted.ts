import { createHmac } from "node:crypto";
import type { otlp } from "../../src/otlp/proto/generated.js";

/** The key under which the collector of the test hashes. */
export const hmacKey = "chaos-secret-of-the-redaction-processor-0123456789";

/** Never leaves the collector. */
export const secretKey = "chaos.secret";
const hashedKey = "session.id";

type Attribute = otlp.KeyValue.$Properties;

/** What has to become of attributes on their way, by the rules of `redaction` in collector.yaml. */
export function redacted(attributes: readonly Attribute[] | null | undefined): Attribute[] {
  return (attributes ?? [])
    .filter(({ key }) => key !== secretKey)
    .map((attribute) =>
      attribute.key === hashedKey
        ? { key: hashedKey, value: { stringValue: hashOf(attribute.value?.stringValue ?? "") } }
        : attribute,
    );
}

function hashOf(text: string): string {
  return createHmac("sha256", hmacKey).update(text).digest("hex").slice(0, 12);
}

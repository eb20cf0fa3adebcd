import { createHash } from "node:crypto";
import type { AnyValue } from "./activity-record.ts";

/** Longer values are kept as a beginning and a hash. */
const maxValueBytes = 256;
const beginningBytes = 192;

/** The resource attributes that identify a process. */
export const processIdentity = [
  "service.name",
  "host.id",
  "host.name",
  "process.pid",
  "service.instance.id",
] as const;

/**
 * Values in the order of `processIdentity`, empty where absent; an int as its two words with a comma. After them the client, if the sender was
 * authenticated: processes of two clients are never one, whatever their attributes say.
 */
export type Identity = readonly string[];

/** The identity with these values, of a process of `client`; empty for none. */
export function identityFor(client: string, values: readonly string[]): Identity {
  return client === "" ? values : [...values, client];
}

/** The client of a process; empty if its sender was not authenticated. */
export function clientOf(identity: Identity): string {
  return identity[processIdentity.length] ?? "";
}

const decoder = new TextDecoder();

/**
 * A text value of an identity that is `bytes` from `start` up to `end`. One of more than 256 bytes is its first 192 and the SHA-256 of all, in
 * hex digits: processes whose ids begin alike are not the same.
 */
export function identityText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= maxValueBytes) {
    return decoder.decode(bytes.subarray(start, end));
  }
  const beginning = decoder.decode(bytes.subarray(start, start + beginningBytes));
  return beginning + createHash("sha256").update(bytes.subarray(start, end)).digest("hex");
}

/** A decoded value as an identity has it. */
export function identityOf(value: AnyValue): string {
  const { stringValue, intValue } = value ?? {};
  if (typeof stringValue === "string") {
    const bytes = Buffer.from(stringValue);
    return bytes.length > maxValueBytes ? identityText(bytes, 0, bytes.length) : stringValue;
  }
  return intValue === null || intValue === undefined ? "" : `${intValue.high},${intValue.low}`;
}

/** Whether a process can be distinguished from its siblings: by an instance id, or by host and pid. */
export function isIdentified([
  ,
  hostId = "",
  hostName = "",
  pid = "",
  instance = "",
]: Identity): boolean {
  return instance !== "" || (pid !== "" && (hostId !== "" || hostName !== ""));
}

/** What names the host of a process; empty if nothing does. The hosts of two clients are different ones. */
export function hostKeyOf([, hostId = "", hostName = "", , , client]: Identity): string {
  const key = hostId === "" && hostName === "" ? "" : `${hostId}\n${hostName}`;
  return key === "" || client === undefined ? key : `client ${client}\n${key}`;
}

/**
 * The keys that a process can be found by, the most certain first. One that cannot be distinguished from its siblings is found
 * only by its whole identity.
 */
export function lookupKeysOf(identity: Identity): readonly string[] {
  const [service = "", hostId = "", hostName = "", pid = "", instance = ""] = identity;
  const keys: string[] = [];
  if (instance !== "") {
    if (pid !== "") {
      keys.push(`instance pid\n${service}\n${instance}\n${pid}`);
    }
    if (hostName !== "") {
      keys.push(`instance host\n${service}\n${instance}\n${hostName}`);
    }
    keys.push(`instance\n${service}\n${instance}`);
  }
  if (pid !== "" && hostName !== "") {
    keys.push(`name\n${service}\n${hostName}\n${pid}`);
  }
  if (pid !== "" && hostId !== "") {
    keys.push(`id\n${service}\n${hostId}\n${pid}`);
  }
  const found = keys.length > 0 ? keys : [`all\n${identity.join("\n")}`];
  const client = clientOf(identity);
  return client === "" ? found : found.map((key) => `client ${client}\n${key}`);
}

/**
 * How a second identity compares with a known one: `contradicts` if they are of two clients or both have a value that differs, `extends` if
 * it has one that the known identity lacks, else `repeats`.
 */
export function compareIdentity(
  known: Identity,
  other: Identity,
): "contradicts" | "extends" | "repeats" {
  if (clientOf(known) !== clientOf(other)) {
    return "contradicts";
  }
  let result: "extends" | "repeats" = "repeats";
  for (let at = 0; at < other.length; at++) {
    if (other[at] === known[at] || other[at] === "") {
      continue;
    }
    if (known[at] !== "") {
      return "contradicts";
    }
    result = "extends";
  }
  return result;
}

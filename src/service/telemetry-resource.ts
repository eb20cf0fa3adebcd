import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";

export interface TelemetryResourceOptions {
  readonly version: string;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Of the config: null leaves a default out. */
  readonly configured: Readonly<Record<string, string | number | boolean | null>>;
}

/** What identifies this process in its own metrics: the Collector's three attributes, and those of the config. */
export function telemetryResource(options: TelemetryResourceOptions): Resource {
  const attributes = {
    "service.name": "activity-collector",
    "service.version": options.version,
    "service.instance.id": randomUuid(options.randomBytes),
    ...options.configured,
  };
  return resourceFromAttributes(
    Object.fromEntries(
      Object.entries(attributes).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
    ),
  );
}

/** RFC 9562, version 4. */
function randomUuid(randomBytes: (length: number) => Uint8Array): string {
  const bytes = Uint8Array.from(randomBytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}

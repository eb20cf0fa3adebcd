import type { WorkKind } from "./gateway-event.ts";

/** Kinds that the user can switch off. Runs and harness runs are always sent: the other kinds have no meaning without them. */
export type OptionalKind = "tool" | "model_call" | "session" | "pause" | "claim";

/** `plugins.entries.activity-relay.config`, checked. */
export interface RelayConfig {
  readonly endpoint: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly kinds: ReadonlySet<OptionalKind>;
  /** Whether to connect as a client of the gateway's approvals, to see those that plugins request. */
  readonly approvalClient: boolean;
}

const allKinds: readonly OptionalKind[] = ["tool", "model_call", "session", "pause", "claim"];

/**
 * Reads the configuration with its defaults. OpenClaw has checked it against the schema in `openclaw.plugin.json`, so this
 * finds only what a schema cannot express. Throws an `Error` that names the valid form.
 */
export function parseConfig(input: unknown): RelayConfig {
  const config: Readonly<Record<string, unknown>> =
    typeof input === "object" && input !== null ? { ...input } : {};
  return {
    endpoint: parseEndpoint(config["endpoint"] ?? "http://127.0.0.1:4318"),
    headers: parseHeaders(config["headers"] ?? {}),
    kinds: parseKinds(config["kinds"] ?? allKinds),
    approvalClient: config["approvalClient"] === true,
  };
}

/** Whether the relay sends work of this kind. */
export function isWanted(kind: WorkKind, { kinds }: RelayConfig): boolean {
  return kind === "harness" || kind === "run" || kinds.has(kind);
}

function parseEndpoint(value: unknown): URL {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new Error(
      'endpoint must be an address such as "http://127.0.0.1:4318"; /v1/traces and /v1/logs are appended.',
    );
  }
  return url;
}

function parseHeaders(value: unknown): Record<string, string> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const headers: Record<string, string> = {};
  for (const [name, content] of entries) {
    if (typeof content !== "string") {
      throw new Error(`headers.${name} must be a text.`);
    }
    headers[name.toLowerCase()] = content;
  }
  return headers;
}

function parseKinds(value: unknown): ReadonlySet<OptionalKind> {
  const wanted: readonly unknown[] = Array.isArray(value) ? value : [];
  return new Set(allKinds.filter((kind) => wanted.includes(kind)));
}

import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** Resource attributes of the sending process, as OpenTelemetry names them. */
export interface Resource {
  readonly serviceName: string;
  readonly serviceVersion?: string;
  readonly hostName: string;
  readonly hostId?: string;
  readonly processPid: number;
  /** Random, new with every start of the relay. */
  readonly serviceInstanceId: string;
}

/**
 * Describes this process as OpenClaw's own exporter does, so that a collector recognizes the data of both as data of one
 * process.
 *
 * @param config OpenClaw's configuration, for the service name
 */
export function detectResource(input: {
  readonly config: unknown;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly serviceVersion: unknown;
  readonly serviceInstanceId: string;
}): Resource {
  const hostId = readHostId();
  return {
    serviceName:
      nonEmpty(at(at(at(input.config, "diagnostics"), "otel"), "serviceName")) ??
      nonEmpty(input.env["OTEL_SERVICE_NAME"]) ??
      "openclaw",
    hostName: hostname(),
    processPid: process.pid,
    serviceInstanceId: input.serviceInstanceId,
    ...(typeof input.serviceVersion === "string" ? { serviceVersion: input.serviceVersion } : {}),
    ...(hostId === undefined ? {} : { hostId }),
  };
}

/** Reads the host id as OpenTelemetry's host detector does on Linux. Elsewhere the detector starts a program; this does not. */
function readHostId(): string | undefined {
  for (const path of ["/etc/machine-id", "/var/lib/dbus/machine-id"]) {
    try {
      return readFileSync(path, "utf8").trim();
    } catch {
      // Not this one.
    }
  }
  return undefined;
}

function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/** Where a component is in the config of the chaos test: its key below `receivers`, `processors` … */
interface Present {
  readonly in: "config";
}

/** Why a component is not in it. */
interface Excused {
  readonly in: "no config";
  readonly because: string;
}

/**
 * Every component of `src/components.ts`, by kind and type. A new component joins `collector.yaml` in this folder, with a fault of its own in
 * `faults.ts` where it can have one and with what must hold in an oracle; or it says here why not.
 */
export const roster: Readonly<Record<string, Present | Excused>> = {
  "receiver otlp": { in: "config" },
  "receiver otlp_json_file": { in: "config" },
  "processor memory_limiter": { in: "config" },
  "processor redaction": { in: "config" },
  "processor session_activity": { in: "config" },
  "exporter prometheus": { in: "config" },
  "exporter otlp_http": { in: "config" },
  "exporter otlp_grpc": { in: "config" },
  "exporter file": { in: "config" },
  "exporter debug": { in: "config" },
  "extension basic_auth": { in: "config" },
  "extension bearer_token_auth": { in: "config" },
  "extension file_storage": { in: "config" },
  "extension health_check": { in: "config" },
};

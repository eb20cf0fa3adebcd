import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { type RunningCollector, startCollector } from "../support/process.ts";
import type { Backends } from "./backend.ts";
import { type Transport, transports } from "./transport.ts";

/** How an exporter under test is set up. Each has a receiver of its own, through which a check gives it data. */
export const clientSetups = {
  /** The sender waits for the result of all attempts. */
  plain: {},
  one_attempt: { retry_on_failure: { enabled: false } },
  patient: { retry_on_failure: { max_elapsed_time: "5s" } },
  jitter: { retry_on_failure: { initial_interval: "200ms", randomization_factor: 0.9 } },
  /** Nothing of it is in the log before the run that looks there. */
  logged: {},
  uncompressed: { compression: "none" },
  queued: { sending_queue: { enabled: true } },
  three_consumers: { sending_queue: { enabled: true, num_consumers: 3 } },
  small_requests: { max_request_size: "64KiB" },
  /** Of HTTP only. */
  two_connections: { max_conns_per_host: 2 },
  no_keep_alive: { disable_keep_alives: true },
  other_paths: {},
  /** The backend does not listen at first. */
  late: { retry_on_failure: { max_elapsed_time: "10s" } },
  late_one_attempt: { retry_on_failure: { enabled: false } },
  /** Two exporters in one pipeline. */
  two_destinations: { sending_queue: { enabled: true } },
} as const;
export type ClientSetup = keyof typeof clientSetups;

export const httpOnlySetups: readonly ClientSetup[] = [
  "two_connections",
  "no_keep_alive",
  "other_paths",
];

/** How a receiver under test is set up. Behind each is an exporter that gives the sender the backend's answer. */
export const serverSetups = {
  /** With its defaults, but for the ports. */
  defaults: {},
  small: {
    http: { max_request_body_size: "64KiB" },
    grpc: { max_recv_msg_size_mib: 1 },
  },
  other_paths: { http: { traces_url_path: "/custom/spans" } },
  /** The exporter behind it has room for one request. */
  full: {},
} as const;
export type ServerSetup = keyof typeof serverSetups;

/** Where the backends of the late setups will listen. */
export type LatePorts = Readonly<Record<Transport, number>>;

/** One collector with every setup. */
export interface CollectorUnderTest {
  readonly process: RunningCollector;
  /** `host:port` of the receiver before a client setup, for OTLP/HTTP. */
  clientReceiver(setup: ClientSetup, transport: Transport): string;
  /** `host:port` of a server setup. */
  serverReceiver(setup: ServerSetup, protocol: "http" | "grpc"): string;
  close(): Promise<void>;
}

const anyPort = { endpoint: "127.0.0.1:0" };

/** Starts the collector, whose exporters send to the backends; those that are late to `latePorts`. */
export async function startCollectorUnderTest(
  backends: Backends,
  latePorts: LatePorts,
  {
    shutdownTimeout = "2s",
    only,
  }: { readonly shutdownTimeout?: string; readonly only?: ClientSetup } = {},
): Promise<CollectorUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), "conformance-"));
  const file = join(folder, "config.yaml");
  writeFileSync(file, stringify(configOf(backends, latePorts, { shutdownTimeout, only })));
  const process = await startCollector({ configs: [file], freePorts: false });
  const receiver = (id: string, protocol: "HTTP" | "gRPC") => {
    const line = new RegExp(
      `Receiving OTLP over ${protocol}\\.\\t\\{"otelcol\\.component\\.id": "${id}",.*"endpoint": "([^"]+)"`,
    );
    return line.exec(process.stderr())?.[1] ?? `${id} does not listen`;
  };
  return {
    process,
    clientReceiver: (setup, transport) => receiver(idOf("otlp", setup, transport), "HTTP"),
    serverReceiver: (setup, protocol) =>
      receiver(`otlp/server_${setup}`, protocol === "http" ? "HTTP" : "gRPC"),
    async close() {
      await process.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The id of an exporter of a client setup, in metrics and log lines. */
export function exporterId(setup: ClientSetup, transport: Transport): string {
  return idOf(transport === "grpc" ? "otlp_grpc" : "otlp_http", setup, transport);
}

function idOf(type: string, setup: string, transport: Transport): string {
  return `${type}/${setup}_${transport.replace("/", "_")}`;
}

type Section = Record<string, unknown>;

function configOf(
  backends: Backends,
  latePorts: LatePorts,
  {
    shutdownTimeout,
    only,
  }: { readonly shutdownTimeout: string; readonly only: ClientSetup | undefined },
): Section {
  const receivers: Section = {};
  const exporters: Section = {};
  const pipelines: Section = {};
  const connect = (name: string, receiver: string, ids: readonly string[]) => {
    for (const signal of ["traces", "metrics", "logs"]) {
      pipelines[`${signal}/${name}`] = { receivers: [receiver], exporters: ids };
    }
  };

  for (const [setup, options] of Object.entries(serverSetups)) {
    const { http = {}, grpc = {} }: { http?: Section; grpc?: Section } = options;
    const id = `otlp/server_${setup}`;
    receivers[id] = {
      protocols: {
        http: { ...anyPort, ...http },
        grpc: { ...anyPort, ...grpc },
      },
    };
    const mirror = `otlp_http/server_${setup}`;
    exporters[mirror] = exporterOf("http/protobuf", backends.endpoints["http/protobuf"], {
      retry_on_failure: { enabled: false },
      sending_queue: { enabled: setup === "full", queue_size: 1 },
    });
    connect(`server_${setup}`, id, [mirror]);
  }
  for (const [name, options] of Object.entries(clientSetups)) {
    const setup = name as ClientSetup;
    if (only !== undefined && only !== setup) {
      continue;
    }
    for (const transport of transports) {
      if (transport === "grpc" && httpOnlySetups.includes(setup)) {
        continue;
      }
      const receiver = idOf("otlp", setup, transport);
      receivers[receiver] = { protocols: { http: anyPort } };
      const endpoint = setup.startsWith("late")
        ? `127.0.0.1:${latePorts[transport]}`
        : backends.endpoints[transport];
      const id = exporterId(setup, transport);
      const destinations = setup === "two_destinations" ? ["a", "b"] : [""];
      const ids = destinations.map((destination) => `${id}${destination}`);
      for (const [index, each] of ids.entries()) {
        exporters[each] = exporterOf(transport, endpoint, {
          ...options,
          headers: { "x-destination": destinations[index] },
          ...(setup === "other_paths"
            ? {
                traces_endpoint: `http://${endpoint}/custom/spans/traces`,
                endpoint: undefined,
              }
            : {}),
        });
      }
      if (setup === "other_paths") {
        pipelines[`traces/${setup}_${transport}`] = { receivers: [receiver], exporters: ids };
      } else {
        connect(`${setup}_${transport}`.replace("/", "_"), receiver, ids);
      }
    }
  }
  return {
    receivers,
    exporters,
    service: {
      shutdown_timeout: shutdownTimeout,
      telemetry: { metrics: anyPort },
      pipelines,
    },
  };
}

function exporterOf(transport: Transport, endpoint: string, options: Section): Section {
  const retry = {
    initial_interval: "20ms",
    multiplier: 3,
    randomization_factor: 0.2,
    max_interval: "1s",
    // Ends the attempts of those that send again what they should not.
    max_elapsed_time: "1s",
  };
  const { retry_on_failure = {}, sending_queue = { enabled: false }, ...rest } = options;
  return {
    ...(transport === "grpc"
      ? { endpoint, tls: { insecure: true } }
      : {
          endpoint: `http://${endpoint}`,
          encoding: transport === "http/json" ? "json" : "proto",
        }),
    timeout: "5s",
    retry_on_failure: { ...retry, ...(retry_on_failure as Section) },
    sending_queue,
    ...rest,
  };
}

import { join } from "node:path";
import type { AnyFactory } from "../../src/component/factory.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import type { CanaryMint } from "./canary-mint.ts";

/** What an entry builds its sections from. */
export interface Place {
  readonly mint: CanaryMint;
  /** Of its own, and there already: `in`, `out` and `storage` are in it. */
  readonly folder: string;
  /** Files of a server's certificate and of the authority of clients. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string };
  /** Where exporters send to. */
  readonly backends: Readonly<Record<Backend, string>>;
  /** Puts a text where `${env:…}` or `${file:…}` finds it, and returns that reference. */
  reference(text: string): string;
}

/** Backends keep what they get: data of senders, or what the collector derived. `refusing` answers with errors that quote a canary. */
export type Backend =
  | "received"
  | "derived"
  | "refusing"
  | "grpcReceived"
  | "grpcDerived"
  | "grpcRefusing"
  | "proxy";

export interface Instance {
  readonly section: Readonly<Record<string, unknown>>;
  /** Of an exporter: which pipelines it is in. By default those of data that senders send. */
  readonly exports?: "received" | "derived" | "both";
  /** Of a processor: the signals in whose pipelines it is; by default all of its own. */
  readonly signals?: readonly Signal[];
}

/** How the suite runs a type of component, and where what it writes belongs. */
export interface LeakEntry {
  /** By the name behind the type; "" for none. */
  readonly instances: (place: Place) => Readonly<Record<string, Instance>>;
  /** Channels in which nothing of it may be; they must not be empty. */
  readonly searched: readonly string[];
  /** What it writes or sends that is not searched, and why that is right. */
  readonly leftOut?: Readonly<Record<string, string>>;
}

const port = { endpoint: "127.0.0.1:0" };
const senderData =
  "It is the sender's data, which goes on as it came unless `redaction` is configured.";
const noQueue = { sending_queue: { enabled: false }, retry_on_failure: { enabled: false } };
const stored = { sending_queue: { storage: "file_storage", num_consumers: 2 } };

/** One entry per component in `src/components.ts`, by kind and type. */
export const leakEntries: Readonly<Record<string, LeakEntry>> = {
  "receiver otlp": {
    instances: ({ tls }) => {
      const files = { cert_file: tls.cert, key_file: tls.key };
      const mutual = { ...port, tls: { ...files, client_ca_file: tls.ca } };
      const withPassword = { ...port, auth: { authenticator: "basic_auth" } };
      const withToken = {
        ...port,
        tls: files,
        auth: { authenticator: "bearer_token_auth" },
      };
      return {
        "": {
          section: {
            protocols: {
              http: { ...port, cors: { allowed_origins: ["https://known.example"] } },
              grpc: port,
            },
          },
        },
        password: { section: { protocols: { http: withPassword, grpc: withPassword } } },
        token: { section: { protocols: { http: withToken, grpc: withToken } } },
        mutual: { section: { protocols: { http: mutual, grpc: mutual } } },
      };
    },
    searched: ["answers over HTTP", "answers over gRPC", "answers over TLS", "log"],
    leftOut: {
      "Access-Control-Allow-Origin":
        "A page whose origin is in `cors.allowed_origins` gets its origin back, as CORS wants it.",
    },
  },
  "receiver otlp_json_file": {
    instances: ({ folder }) => ({
      "": {
        section: {
          include: [join(folder, "in", "*.jsonl")],
          start_at: "beginning",
          poll_interval: "20ms",
          storage: "file_storage",
        },
      },
    }),
    searched: ["storage of receiver_otlp_json_file", "log"],
    leftOut: {
      "paths of files":
        "The log and the stored offsets name the files that the operator configured: without that nobody finds a line that was skipped.",
    },
  },
  "processor memory_limiter": {
    instances: () => ({ "": { section: { limit_percentage: 90, check_interval: "100ms" } } }),
    searched: ["log", "page of the collector's metrics"],
  },
  "processor session_activity": {
    instances: ({ mint, reference }) => ({
      "": {
        section: {
          allowed_lateness: "300ms",
          stalled_after: "1s",
          export_interval: "3s",
          restart_grace: "0s",
          close_spans: true,
          forward_claims: true,
          forward_pending_spans: true,
          trace_context: true,
          session_ref: true,
          session_ref_key: reference(
            mint.secret("session_activity, key", (token) => `${token}${token}`),
          ),
          storage: "file_storage",
        },
      },
    }),
    searched: [
      "storage of processor_session_activity",
      "derived over HTTP",
      "page of derived metrics",
      "log",
    ],
    leftOut: {
      "trace and span ids":
        "Events name the trace of the work by the option `trace_context`, and work is stored by its trace and span: those are ids of telemetry.",
    },
  },
  "processor redaction": {
    instances: ({ mint, reference }) => ({
      "": {
        section: {
          allow_all_keys: true,
          hmac_key: reference(mint.secret("redaction, key", (token) => `${token}${token}`)),
          presets: ["openclaw", "genai_content"],
          summary: "debug",
          rules: [{ name: "bodies", action: "hash", in: ["log.body", "span.name"] }],
        },
        // Before the page of senders' metrics it would hide what that page itself has to leave out.
        signals: ["traces", "logs"],
      },
    }),
    searched: ["log", "page of the collector's metrics"],
    leftOut: {
      "what its rules keep of the data of senders":
        "Which attributes stay is the operator's choice; the tests of the processor show that nothing else does.",
    },
  },
  "exporter prometheus": {
    instances: () => ({
      "": {
        section: { ...port, resource_to_telemetry_conversion: { enabled: true } },
        exports: "both",
      },
    }),
    searched: ["page of derived metrics", "ids on the page of senders' metrics"],
    leftOut: {
      "what is no id, on the page of senders' metrics": senderData,
    },
  },
  "exporter otlp_http": {
    instances: ({ backends, mint, reference }) => ({
      received: {
        section: {
          endpoint: backends.received,
          headers: { "x-secret": mint.secret("otlp_http, header") },
          ...stored,
        },
      },
      derived: {
        section: {
          endpoint: backends.derived,
          headers: { authorization: `Bearer ${reference(mint.secret("otlp_http, header"))}` },
          ...stored,
        },
        exports: "derived",
      },
      refusing: {
        section: {
          endpoint: `${backends.refusing}/${mint.secret("otlp_http, path of the endpoint")}`,
          ...noQueue,
        },
        exports: "both",
      },
      query: {
        section: {
          traces_endpoint: `${backends.refusing}/traces?key=${mint.secret("otlp_http, query of an endpoint")}`,
          logs_endpoint: `http://127.0.0.1:1/${mint.secret("otlp_http, path of an endpoint that nobody serves")}`,
          metrics_endpoint: `http://unknown.invalid/${mint.secret("otlp_http, path at an unknown host")}`,
          encoding: "json",
          compression: "zstd",
          ...noQueue,
        },
      },
      proxied: {
        section: {
          endpoint: backends.refusing,
          proxy_url: `http://${mint.secret("otlp_http, user of a proxy")}:${reference(mint.secret("otlp_http, password of a proxy"))}@${backends.proxy}`,
          ...noQueue,
        },
      },
    }),
    searched: ["derived over HTTP", "heads of requests to backends", "log"],
    leftOut: { "data of senders": senderData, "the stored queue of it": senderData },
  },
  "exporter otlp_grpc": {
    instances: ({ backends, mint }) => ({
      received: {
        section: {
          endpoint: backends.grpcReceived,
          tls: { insecure: true },
          headers: { "x-secret": mint.secret("otlp_grpc, header") },
        },
      },
      derived: {
        section: {
          endpoint: backends.grpcDerived,
          tls: { insecure: true },
          headers: { "x-key-bin": mint.secret("otlp_grpc, binary header") },
          ...stored,
        },
        exports: "derived",
      },
      refusing: {
        section: { endpoint: backends.grpcRefusing, tls: { insecure: true }, ...noQueue },
        exports: "both",
      },
    }),
    searched: ["derived over gRPC", "heads of requests to backends", "log"],
    leftOut: { "data of senders": senderData },
  },
  "exporter file": {
    instances: ({ folder }) => ({
      received: { section: { path: join(folder, "out", "received.jsonl") } },
      derived: {
        section: { path: join(folder, "out", "derived.jsonl"), flush_interval: "10ms" },
        exports: "derived",
      },
      compressed: {
        section: {
          path: join(folder, "out", "derived.zst"),
          format: "proto",
          compression: "zstd",
          flush_interval: "10ms",
        },
        exports: "derived",
      },
    }),
    searched: ["files of derived data"],
    leftOut: { "files of data of senders": senderData },
  },
  "exporter debug": {
    instances: () => ({
      basic: { section: { verbosity: "basic" } },
      normal: { section: { verbosity: "normal" }, exports: "derived" },
      detailed: { section: { verbosity: "detailed" }, exports: "derived" },
    }),
    searched: ["stdout", "log"],
    leftOut: {
      "records of senders on stdout, by verbosity normal and detailed": senderData,
    },
  },
  "extension basic_auth": {
    instances: ({ mint, reference }) => ({
      "": {
        section: {
          htpasswd: {
            inline: `${mint.secret("basic_auth, user")}:${reference(mint.secret("basic_auth, password"))}`,
          },
        },
      },
    }),
    searched: ["answers over HTTP", "answers over gRPC", "log"],
  },
  "extension bearer_token_auth": {
    instances: ({ mint, reference }) => ({
      "": {
        section: {
          tokens: [
            mint.secret("bearer_token_auth, token"),
            reference(mint.secret("bearer_token_auth, token")),
          ],
        },
      },
    }),
    searched: ["answers over TLS", "log"],
  },
  "extension file_storage": {
    instances: ({ folder }) => ({ "": { section: { directory: join(folder, "storage") } } }),
    searched: ["storage of processor_session_activity", "log"],
    leftOut: { "queues of data of senders": senderData },
  },
  "extension health_check": {
    instances: () => ({
      "": {
        section: {
          ...port,
          component_health: {
            include_permanent_errors: true,
            include_recoverable_errors: true,
            recovery_duration: "1h",
          },
        },
      },
    }),
    searched: ["pages of health", "answers of pages"],
  },
};

/** The entry of a component. Throws an `Error` with what to add if there is none. */
export function leakEntryOf(
  factory: Pick<AnyFactory, "kind" | "type">,
  entries = leakEntries,
): LeakEntry {
  const key = `${factory.kind} ${factory.type}`;
  const entry = entries[key];
  if (entry === undefined) {
    throw new Error(
      `The leak suite has no entry for the ${key}. Add "${key}" to test/leaks/leak-entries.ts: its sections with every option that shows, stores or sends something, ` +
        "`searched` with the channels in which no canary may be, and `leftOut` with what it writes of senders and why.",
    );
  }
  return entry;
}

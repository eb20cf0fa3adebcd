/** Protocols as `OTEL_EXPORTER_OTLP_PROTOCOL` names them. */
export type Protocol = "grpc" | "http/protobuf" | "http/json";

export interface PeerExporter {
  readonly protocol: Protocol;
  /** What makes the SDK send this way, as docs say it. */
  readonly chosenBy: string;
  /** Whether nothing else needs to be chosen. */
  readonly isDefault: boolean;
  /** Whether it sends again what was refused for the moment. */
  readonly retries: boolean;
  /** Variables without which it does not reach a collector without TLS on the standard port of this machine. */
  readonly needs: Readonly<Record<string, string>>;
}

/** An OpenTelemetry SDK, and a program in this folder that uses it. */
export interface Peer {
  /** The program's folder. */
  readonly name: string;
  readonly language: string;
  /** Packages and their version, as docs say it. */
  readonly packages: string;
  readonly exporters: readonly PeerExporter[];
  /** Programs that build and run it, besides npm and node. */
  readonly tools: readonly string[];
  /** Whether `npm run test:system` includes it; the others take `npm run test:peers`. */
  readonly isInSystemTests: boolean;
}

const insecure = { OTEL_EXPORTER_OTLP_INSECURE: "true" } as const;

export const peers: readonly Peer[] = [
  {
    name: "javascript",
    language: "JavaScript",
    packages: "`@opentelemetry/exporter-*-otlp-*` 0.301",
    exporters: [
      {
        protocol: "http/protobuf",
        chosenBy:
          "the packages `…-otlp-proto`; `NodeSDK` and `auto-instrumentations-node` by default",
        isDefault: true,
        retries: true,
        needs: {},
      },
      {
        protocol: "http/json",
        chosenBy: "the packages `…-otlp-http`, or `OTEL_EXPORTER_OTLP_PROTOCOL=http/json`",
        isDefault: false,
        retries: true,
        needs: {},
      },
      {
        protocol: "grpc",
        chosenBy: "the packages `…-otlp-grpc`, or `OTEL_EXPORTER_OTLP_PROTOCOL=grpc`",
        isDefault: false,
        retries: false,
        needs: {},
      },
    ],
    tools: [],
    isInSystemTests: true,
  },
  {
    name: "python",
    language: "Python",
    packages: "`opentelemetry-exporter-otlp` 1.45",
    exporters: [
      {
        protocol: "grpc",
        chosenBy: "`opentelemetry-exporter-otlp-proto-grpc`; `opentelemetry-instrument` by default",
        isDefault: true,
        retries: true,
        needs: {},
      },
      {
        protocol: "http/protobuf",
        chosenBy:
          "`opentelemetry-exporter-otlp-proto-http`, or `OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`",
        isDefault: false,
        retries: true,
        needs: {},
      },
    ],
    tools: ["python3"],
    isInSystemTests: true,
  },
  {
    name: "go",
    language: "Go",
    packages: "`go.opentelemetry.io/otel/exporters/otlp` 1.47",
    exporters: [
      {
        protocol: "grpc",
        chosenBy: "`otlptracegrpc`, `otlpmetricgrpc`, `otlploggrpc`",
        isDefault: false,
        retries: true,
        needs: insecure,
      },
      {
        protocol: "http/protobuf",
        chosenBy: "`otlptracehttp`, `otlpmetrichttp`, `otlploghttp`",
        isDefault: false,
        retries: true,
        needs: insecure,
      },
    ],
    tools: ["go"],
    isInSystemTests: true,
  },
  {
    name: "java",
    language: "Java",
    packages: "`opentelemetry-sdk-extension-autoconfigure`, `opentelemetry-exporter-otlp` 1.68",
    exporters: [
      {
        protocol: "grpc",
        chosenBy: "autoconfiguration of the SDK by default",
        isDefault: true,
        retries: true,
        needs: {},
      },
      {
        protocol: "http/protobuf",
        chosenBy: "`OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`; the Java agent 2.x by default",
        isDefault: false,
        retries: true,
        needs: { OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" },
      },
    ],
    tools: ["java", "javac", "mvn"],
    isInSystemTests: false,
  },
  {
    name: "rust",
    language: "Rust",
    packages: "`opentelemetry-otlp` 0.33",
    exporters: [
      {
        protocol: "http/protobuf",
        chosenBy: "`.with_http()`",
        isDefault: true,
        retries: true,
        needs: {},
      },
      {
        protocol: "http/json",
        chosenBy:
          "`.with_http()` with the feature `http-json` and `OTEL_EXPORTER_OTLP_PROTOCOL=http/json`",
        isDefault: false,
        retries: true,
        needs: { OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" },
      },
      {
        protocol: "grpc",
        chosenBy: "`.with_tonic()` with the feature `grpc-tonic`",
        isDefault: false,
        retries: true,
        needs: {},
      },
    ],
    tools: ["cargo"],
    isInSystemTests: false,
  },
];

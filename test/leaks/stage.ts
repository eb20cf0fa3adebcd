import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { components } from "../../src/components.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import { type Authority, makeAuthority } from "../support/certificates.ts";
import { isDerived } from "../support/derived-telemetry.ts";
import { type GrpcSink, openGrpcSink } from "../support/grpc-sink.ts";
import { openProxy, type TestProxy } from "../support/http-proxy.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type Ended, type RunningCollector, startCollector } from "../support/process.ts";
import type { Canary, CanaryMint } from "./canary-mint.ts";
import { type Instance, leakEntryOf, type Place } from "./leak-entries.ts";

/** Bytes that left the collector, or that it wrote. */
export interface Channel {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Canaries that may be in it; by default none. */
  readonly allows?: (canary: Canary) => boolean;
}

/** The real process with every component, and everything around it. */
export interface Stage {
  readonly collector: RunningCollector;
  readonly folder: string;
  readonly authority: Authority;
  readonly derived: OtlpSink;
  /** `host:port` at which a component listens over this protocol. */
  endpoint(id: string, message: string): string;
  /** Adds what somebody was answered. */
  answered(channel: string, bytes: Uint8Array): void;
  /** Has the collector read this config beside its own, and waits until it has. */
  reload(extra: string): Promise<void>;
  /** Stops the collector and resolves to all that left it. */
  end(): Promise<readonly Channel[]>;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly mint: CanaryMint;
  readonly logEncoding?: "console" | "json";
  /** Of the process, e.g. `NODE_OPTIONS`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Where the collector's own data goes that it pushes. */
const telemetryPath = "/own/metrics";

export async function openStage({
  mint,
  logEncoding = "console",
  env = {},
}: StageOptions): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "leaks-"));
  for (const each of ["in", "out", "storage"]) {
    mkdirSync(join(folder, each));
  }
  const authority = makeAuthority("Leaks");
  const tls = certificateFiles(folder, authority);
  const sinks = {
    received: await openSink(),
    derived: await openSink(),
    refusing: await openSink(),
  };
  const grpcSinks = {
    received: await openGrpcSink(),
    derived: await openGrpcSink(),
    refusing: await openGrpcSink(),
  };
  const proxy = await openProxy({ answer: () => 407 });
  refuse(mint, sinks.refusing, grpcSinks.refusing);

  const variables: Record<string, string> = {};
  const place: Place = {
    mint,
    folder,
    tls,
    backends: {
      received: sinks.received.url,
      derived: sinks.derived.url,
      refusing: sinks.refusing.url,
      grpcReceived: grpcSinks.received.endpoint,
      grpcDerived: grpcSinks.derived.endpoint,
      grpcRefusing: grpcSinks.refusing.endpoint,
      proxy: proxy.host,
    },
    reference(text) {
      const at = Object.keys(variables).length;
      if (at % 2 === 0) {
        variables[`LEAK_SECRET_${at}`] = text;
        return `\${env:LEAK_SECRET_${at}}`;
      }
      variables[`LEAK_SECRET_${at}`] = "";
      const file = join(folder, `secret-${at}`);
      writeFileSync(file, `${text}\n`);
      return `\${file:${file}}`;
    },
  };
  const config = configOf(place, logEncoding);
  const file = join(folder, "config.yaml");
  const extraFile = join(folder, "extra.yaml");
  writeFileSync(file, stringify(config));
  writeFileSync(extraFile, "{}");
  const collector = await startCollector({
    configs: [file, extraFile],
    freePorts: false,
    // The same as `run`, and it records what comes in.
    command: ["record", "--out", join(folder, "recording")],
    env: { ...variables, LEAK_FOLDER: folder, ...env },
  });

  const answers = new Map<string, Uint8Array[]>();
  const answered = (channel: string, bytes: Uint8Array) => {
    answers.set(channel, [...(answers.get(channel) ?? []), bytes]);
  };
  let ended: Ended | undefined;
  const reloads = () => (collector.stderr().match(/Reloading the configuration/g) ?? []).length;
  const results = () =>
    (
      collector
        .stderr()
        .match(/configuration (?:was reloaded|is wrong|could not)|reload failed/g) ?? []
    ).length;

  return {
    collector,
    folder,
    authority,
    derived: sinks.derived,
    answered,
    endpoint: (id, message) => endpointIn(collector.stderr(), id, message),
    async reload(extra) {
      const before = reloads();
      const resultsBefore = results();
      writeFileSync(extraFile, extra);
      collector.kill("SIGHUP");
      const untilMs = Date.now() + 10_000;
      while ((reloads() === before || results() === resultsBefore) && Date.now() < untilMs) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async end() {
      ended ??= await collector.stop();
      return [
        { name: "log", bytes: Buffer.from(ended.stderr), allows: isTrace },
        { name: "stdout", bytes: Buffer.from(ended.stdout), allows: isTrace },
        ...[...answers].map(([name, parts]) => channelOf(name, Buffer.concat(parts))),
        ...sinkChannels(sinks, grpcSinks, proxy),
        ...storageChannels(join(folder, "storage")),
        {
          name: "recording",
          bytes: Buffer.concat(
            filesIn(join(folder, "recording")).map((path) => readFileSync(path)),
          ),
          allows: isTrace,
        },
        {
          name: "files of derived data",
          bytes: Buffer.concat(
            filesIn(join(folder, "out"))
              .filter((path) => path.includes("derived"))
              .map((path) => readFileSync(path)),
          ),
          allows: isTrace,
        },
      ];
    },
    async close() {
      await collector.stop();
      await Promise.all(Object.values(sinks).map((sink) => sink.close()));
      for (const sink of Object.values(grpcSinks)) {
        sink.close();
      }
      await proxy.close();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

const isTrace = ({ group }: Canary) => group === "trace";

/** The page of senders' metrics is theirs, but for ids. */
function channelOf(name: string, bytes: Uint8Array): Channel {
  return name.startsWith("ids on")
    ? { name, bytes, allows: ({ isId, group }) => !isId && group !== "secret" }
    : { name, bytes };
}

function configOf(place: Place, logEncoding: string): object {
  const sections: Record<string, Record<string, unknown>> = {};
  const ids: Record<"receiver" | "processor" | "extension", string[]> = {
    receiver: [],
    processor: [],
    extension: [],
  };
  const processorSignals = new Map<string, readonly Signal[]>();
  const exporters: { readonly id: string; readonly signals: readonly Signal[]; exports: string }[] =
    [];
  const deriving: { readonly id: string; readonly signals: readonly Signal[] }[] = [];
  for (const factory of components) {
    const instances: Readonly<Record<string, Instance>> = leakEntryOf(factory).instances(place);
    for (const [name, { section, exports = "received", signals }] of Object.entries(instances)) {
      const id = name === "" ? factory.type : `${factory.type}/${name}`;
      const kind = `${factory.kind}s`;
      sections[kind] = { ...sections[kind], [id]: section };
      if (factory.kind === "exporter") {
        exporters.push({ id, exports, signals: factory.roles.exporter ?? [] });
      } else {
        ids[factory.kind].push(id);
        processorSignals.set(id, signals ?? factory.roles.processor ?? []);
      }
      if (factory.kind === "processor" && factory.roles.receiver !== undefined) {
        deriving.push({ id, signals: factory.roles.receiver });
      }
    }
  }
  const pipelines: Record<string, object> = {};
  const takers = (signal: Signal, exports: string) =>
    exporters
      .filter((each) => each.exports === exports || each.exports === "both")
      .filter(({ signals }) => signals.includes(signal))
      .map(({ id }) => id);
  for (const signal of ["traces", "metrics", "logs"] as const) {
    const processors = ids.processor.filter((id) => processorSignals.get(id)?.includes(signal));
    pipelines[signal] = {
      receivers: ids.receiver,
      processors,
      exporters: takers(signal, "received"),
    };
    const sources = deriving.filter(({ signals }) => signals.includes(signal));
    if (sources.length > 0) {
      pipelines[`${signal}/derived`] = {
        receivers: sources.map(({ id }) => id),
        exporters: takers(signal, "derived"),
      };
    }
  }
  const { mint, backends } = place;
  return {
    ...sections,
    service: {
      extensions: ids.extension,
      pipelines,
      shutdown_timeout: "3s",
      telemetry: {
        logs: { level: "debug", encoding: logEncoding, sampling: { enabled: false } },
        metrics: {
          readers: [
            { pull: { exporter: { prometheus: { host: "127.0.0.1", port: 0 } } } },
            {
              periodic: {
                interval: 3000,
                exporter: {
                  otlp: {
                    protocol: "http/protobuf",
                    endpoint: `${backends.derived}${telemetryPath}`,
                    headers: { "x-own-secret": mint.secret("service.telemetry, header") },
                  },
                },
              },
            },
            {
              periodic: {
                interval: 3000,
                exporter: {
                  otlp: {
                    protocol: "http/protobuf",
                    endpoint: `http://127.0.0.1:1/${mint.secret("service.telemetry, path")}`,
                  },
                },
              },
            },
          ],
        },
      },
    },
  };
}

/** Backends that refuse, in every way and with many words: what they say is theirs, and may quote what they were sent. */
function refuse(mint: CanaryMint, http: OtlpSink, grpc: GrpcSink): void {
  let count = 0;
  const quoted = (request: { readonly bytes: Uint8Array }) =>
    `${mint.plain("answer of a backend")} ${Buffer.from(request.bytes).toString("latin1").slice(0, 300)}`;
  const statuses = [400, 401, 403, 404, 413, 429, 500, 502, 503, 200, 200, 301];
  const header = mint.plain("header of a backend");
  const next = () => {
    count += 1;
    const status = statuses[count % statuses.length] ?? 400;
    http.answer = {
      status,
      headers: {
        "x-quoted": header,
        location: `http://${header}.example/`,
        "retry-after": count % 2 === 0 ? header : "0",
        "www-authenticate": `Basic realm="${header}"`,
        "set-cookie": `id=${header}`,
        server: header,
        ...(count % 3 === 0 ? { "content-type": `text/html; a=${header}` } : {}),
      },
      body(request) {
        next();
        return status === 200
          ? otlp.ExportTraceServiceResponse.encode({
              partialSuccess: { errorMessage: quoted(request) },
            }).finish()
          : otlp.RpcStatus.encode({ code: 3, message: quoted(request) }).finish();
      },
    };
  };
  next();
  grpc.answer = (request) => {
    count += 1;
    const code = (count % 16) + 1;
    if (code === 16) {
      return otlp.ExportTraceServiceResponse.encode({
        partialSuccess: { errorMessage: quoted(request) },
      }).finish();
    }
    return { code, details: quoted(request).replaceAll(/[^\x20-\x7e]/g, "?") };
  };
}

function certificateFiles(folder: string, authority: Authority): Place["tls"] {
  const { cert, key } = authority.issue(["127.0.0.1", "localhost"]);
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  return {
    cert: write("cert.pem", cert),
    key: write("key.pem", key),
    ca: write("ca.pem", authority.ca),
  };
}

/** The address in the line that a component wrote when it began to listen, in both encodings of the log. */
function endpointIn(log: string, id: string, message: string): string {
  const line = log
    .split("\n")
    .find(
      (each) =>
        each.includes(message) &&
        (id === "" || each.replaceAll(" ", "").includes(`"otelcol.component.id":"${id}"`)),
    );
  return /"endpoint": ?"([^"]+)"/.exec(line ?? "")?.[1] ?? `${id} does not listen`;
}

function sinkChannels(
  http: Readonly<Record<"received" | "derived" | "refusing", OtlpSink>>,
  grpc: Readonly<Record<"received" | "derived" | "refusing", GrpcSink>>,
  proxy: TestProxy,
): readonly Channel[] {
  const all = Object.values(http).flatMap(({ requests }) => requests);
  const bodies = (requests: readonly { readonly bytes: Uint8Array }[]) =>
    Buffer.concat(requests.map(({ bytes }) => bytes));
  const own = http.derived.requests.filter(({ path }) => path === telemetryPath);
  const heads = [
    ...all.map(({ path, headers }) => ({ path, headers })),
    ...Object.values(grpc)
      .flatMap(({ requests }) => requests)
      .map(({ metadata, authority }) => ({ ...metadata.getMap(), authority })),
    ...proxy.requests,
  ];
  return [
    // Closing spans and events of the backends that get both.
    {
      name: "derived over HTTP",
      bytes: bodies([
        ...http.derived.requests.filter(({ path }) => path !== telemetryPath),
        ...http.received.requests.filter(isDerived),
        ...http.refusing.requests.filter((request) => isKnown(request) && isDerived(request)),
      ]),
      allows: isTrace,
    },
    {
      name: "derived over gRPC",
      bytes: bodies([
        ...grpc.derived.requests,
        ...Object.values(grpc)
          .flatMap(({ requests }) => requests)
          .filter(isDerived),
      ]),
      allows: isTrace,
    },
    { name: "the collector's metrics over HTTP", bytes: bodies(own) },
    {
      name: "heads of requests to backends",
      bytes: Buffer.from(JSON.stringify(heads)),
      // Secrets of the config go where they belong.
      allows: ({ group }) => group === "secret",
    },
  ];
}

/** Not JSON, and under a path that names the signal. */
function isKnown({
  contentType,
  signal,
}: {
  readonly contentType: string;
  readonly signal: string;
}) {
  return contentType === "application/x-protobuf" && /^(?:traces|metrics|logs)$/.test(signal);
}

/** Each journal by its component, but for queues of what senders sent. */
function storageChannels(folder: string): readonly Channel[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/^exporter_.*\.received$/.test(entry.name))
    .map(({ name }) => ({
      name: `storage of ${name}`,
      bytes: withoutIdentities(
        Buffer.concat(filesIn(join(folder, name)).map((path) => readFileSync(path))),
      ),
      allows: isTrace,
    }));
}

/**
 * Without the names by which the state tells processes apart after a restart (`service.name`, `host.id`, `service.instance.id` …): they say
 * which program it is and where it runs, nothing of its sessions.
 */
function withoutIdentities(bytes: Buffer): Buffer {
  const text = bytes.toString("latin1");
  const identity = /"identity":\[(?:"(?:[^"\\]|\\.)*"|null|,)*\]/g;
  return Buffer.from(text.replaceAll(identity, '"identity":[]'), "latin1");
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

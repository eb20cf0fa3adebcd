import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { gunzipSync } from "node:zlib";
import { otlp } from "../../src/otlp/proto/generated.js";

/** A span as it arrived over OTLP/HTTP. */
export interface ArrivedSpan {
  readonly name: string;
  readonly scope: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentId: string;
  readonly kind: number;
  readonly start: string;
  /** `"0"` for a live span. */
  readonly end: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A log record as it arrived in OTLP/JSON. */
export interface ArrivedRecord {
  readonly eventName: string;
  readonly scope: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly timeUnixNano: string;
  /** Which request brought it. */
  readonly request: number;
}

export interface Sink {
  readonly port: number;
  readonly url: string;
  readonly spans: readonly ArrivedSpan[];
  readonly records: readonly ArrivedRecord[];
  /** When each of `spans` arrived, in Unix milliseconds. */
  readonly arrivedAtMs: readonly number[];
  /** Paths of all requests, in order. */
  readonly paths: readonly string[];
  readonly headers: readonly IncomingHttpHeaders[];
  /** Connections taken so far. */
  readonly connections: number;
  /** Resolves with all that arrived when it fulfils `condition`. Rejects after 10 s with what did arrive. */
  until(condition: (sink: Sink) => boolean): Promise<readonly ArrivedSpan[]>;
  /** What is answered from now on. */
  answer(statusCode: number, headers?: Readonly<Record<string, string>>): void;
  /** What is answered to requests of one path from now on. */
  refuse(path: string, statusCode: number): void;
  close(): Promise<void>;
}

/** A backend on loopback that keeps what it is sent. `port` 0 is any free one. */
export async function startSink(port = 0): Promise<Sink> {
  const spans: ArrivedSpan[] = [];
  const records: ArrivedRecord[] = [];
  const arrivedAtMs: number[] = [];
  const paths: string[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const listeners = new Set<() => void>();
  let answer: { statusCode: number; headers: Readonly<Record<string, string>> } = {
    statusCode: 200,
    headers: {},
  };
  const refused = new Map<string, number>();
  let connections = 0;
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      paths.push(request.url ?? "");
      headers.push(request.headers);
      if (answer.statusCode === 200 && request.url?.endsWith("/v1/traces")) {
        const body = Buffer.concat(chunks);
        const isZipped = request.headers["content-encoding"] === "gzip";
        for (const span of arrived(isZipped ? gunzipSync(body) : body)) {
          spans.push(span);
          arrivedAtMs.push(Date.now());
        }
      }
      if (answer.statusCode === 200 && request.url?.endsWith("/v1/logs")) {
        records.push(...arrivedRecords(Buffer.concat(chunks).toString(), paths.length));
      }
      response.writeHead(refused.get(request.url ?? "") ?? answer.statusCode, {
        "content-type": "application/x-protobuf",
        ...answer.headers,
      });
      response.end();
      for (const listener of [...listeners]) {
        listener();
      }
    });
  });
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address();
  const actualPort = typeof address === "object" && address !== null ? address.port : 0;

  const sink: Sink = {
    port: actualPort,
    url: `http://127.0.0.1:${actualPort}`,
    spans,
    records,
    arrivedAtMs,
    paths,
    headers,
    get connections() {
      return connections;
    },
    until: (condition) =>
      new Promise((resolve, reject) => {
        const finish = () => {
          if (condition(sink)) {
            clearTimeout(timer);
            listeners.delete(finish);
            resolve(spans);
          }
        };
        const timer = setTimeout(() => {
          listeners.delete(finish);
          reject(new Error(`It never came to that. ${paths.length} requests: ${summary(spans)}`));
        }, 10_000);
        listeners.add(finish);
        finish();
      }),
    answer(statusCode, extra = {}) {
      answer = { statusCode, headers: extra };
    },
    refuse: (path, statusCode) => void refused.set(path, statusCode),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return sink;
}

/** Names in order of arrival, e.g. `["start invoke_agent", "end invoke_agent"]`. */
export function summary(spans: readonly ArrivedSpan[]): readonly string[] {
  return spans.map((span) => `${verbOf(span)} ${span.name}`);
}

/** The exporter's finished spans, without the starts and ends for the collector. */
export function exported(spans: readonly ArrivedSpan[]): readonly ArrivedSpan[] {
  return spans.filter((span) => verbOf(span) === "end");
}

function verbOf({ end, attributes }: ArrivedSpan): "start" | "reported end" | "end" {
  if (end === "0") {
    return "start";
  }
  return attributes["openclaw.activity.signal"] === "end" ? "reported end" : "end";
}

function arrived(bytes: Uint8Array): ArrivedSpan[] {
  return (otlp.ExportTraceServiceRequest.decode(bytes).resourceSpans ?? []).flatMap((resource) =>
    (resource.scopeSpans ?? []).flatMap((scope) =>
      (scope.spans ?? []).map((span) => ({
        name: span.name ?? "",
        scope: scope.scope?.name ?? "",
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentId: hex(span.parentSpanId),
        kind: Number(span.kind ?? 0),
        start: String(span.startTimeUnixNano ?? 0),
        end: String(span.endTimeUnixNano ?? 0),
        attributes: record(span.attributes),
        resource: record(resource.resource?.attributes),
      })),
    ),
  );
}

interface JsonAttribute {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly intValue?: string;
    readonly kvlistValue?: { readonly values: readonly JsonAttribute[] };
  };
}

interface JsonLogs {
  readonly resourceLogs: readonly {
    readonly resource: { readonly attributes: readonly JsonAttribute[] };
    readonly scopeLogs: readonly {
      readonly scope: { readonly name: string };
      readonly logRecords: readonly {
        readonly eventName: string;
        readonly timeUnixNano: string;
        readonly attributes?: readonly JsonAttribute[];
      }[];
    }[];
  }[];
}

function arrivedRecords(body: string, request: number): ArrivedRecord[] {
  const { resourceLogs }: JsonLogs = JSON.parse(body);
  return resourceLogs.flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ scope, logRecords }) =>
      logRecords.map(({ eventName, timeUnixNano, attributes }) => ({
        eventName,
        timeUnixNano,
        scope: scope.name,
        attributes: jsonRecord(attributes ?? []),
        resource: jsonRecord(resource.attributes),
        request,
      })),
    ),
  );
}

function jsonRecord(attributes: readonly JsonAttribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, kvlistValue } }) => [
      key,
      kvlistValue === undefined
        ? (stringValue ?? Number(intValue))
        : jsonRecord(kvlistValue.values),
    ]),
  );
}

type KeyValues = NonNullable<
  NonNullable<otlp.ExportTraceServiceRequest["resourceSpans"]>[number]["resource"]
>["attributes"];

function record(attributes: KeyValues): Record<string, unknown> {
  return Object.fromEntries(
    (attributes ?? []).map(({ key, value }) => [
      key ?? "",
      value?.stringValue ??
        value?.boolValue ??
        (value?.intValue === undefined || value.intValue === null
          ? (value?.doubleValue ?? "something else")
          : Number(value.intValue)),
    ]),
  );
}

function hex(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}

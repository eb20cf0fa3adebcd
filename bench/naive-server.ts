// The obvious first implementation: node:http, protobufjs, a Map of objects by hex ids, one call of an instrument per fact. It
// accepts the same requests as the collector and does less with them: it keeps nothing about ended work, identifies
// sessions by one attribute only, fences no late starts and forwards nothing.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { ManualReader } from "../src/metrics/manual-reader.ts";
import { otlp } from "../src/otlp/proto/generated.js";

interface Work {
  readonly kind: string;
  readonly session: Session;
  readonly startMs: number;
}

interface Session {
  readonly open: Map<string, Work>;
  owners: number;
  timer?: NodeJS.Timeout;
}

type Attributes = Record<string, string | number | boolean | undefined>;

const allowedLatenessMs = 10_000;
const open = new Map<string, Work>();
const sessions = new Map<string, Session>();
const meter = new MeterProvider({ readers: [new ManualReader()] }).getMeter("naive");
const started = meter.createCounter("started");
const ended = meter.createCounter("ended");
const evicted = meter.createCounter("evicted");
const duration = meter.createHistogram("duration", { unit: "s" });
let spans = 0;

function take(bytes: Uint8Array): void {
  for (const part of otlp.ExportTraceServiceRequest.decode(bytes).resourceSpans) {
    for (const { spans: list } of part.scopeSpans ?? []) {
      for (const span of list ?? []) {
        takeSpan(span);
      }
    }
  }
}

function takeSpan(span: otlp.Span.$Properties): void {
  spans += 1;
  const attributes: Attributes = {};
  for (const { key, value } of span.attributes ?? []) {
    attributes[key ?? ""] =
      value?.stringValue ??
      value?.boolValue ??
      numberOf(value?.intValue) ??
      value?.doubleValue ??
      undefined;
  }
  const kind = kindOf(span.name ?? "", attributes);
  if (kind === undefined) {
    return;
  }
  const traceId = hex(span.traceId);
  const key = `${traceId}:${hex(span.spanId)}`;
  const endNs = numberOf(span.endTimeUnixNano) ?? 0;
  const startMs = (numberOf(span.startTimeUnixNano) ?? 0) / 1e6;
  if (endNs === 0) {
    const session = sessionOf(String(attributes["openclaw.sessionKey"] ?? traceId));
    const work = { kind, session, startMs };
    open.set(key, work);
    session.open.set(key, work);
    session.owners += kind === "run" ? 1 : 0;
    clearTimeout(session.timer);
    started.add(1, { kind });
    return;
  }
  const work = open.get(key);
  if (work === undefined) {
    started.add(1, { kind });
  } else {
    const { session } = work;
    open.delete(key);
    session.open.delete(key);
    session.owners -= kind === "run" ? 1 : 0;
    if (kind === "run" && session.owners === 0 && session.open.size > 0) {
      clearTimeout(session.timer);
      session.timer = setTimeout(evict, allowedLatenessMs, session).unref();
    }
  }
  const outcome = span.status?.code === 2 ? "error" : "ok";
  ended.add(1, { kind });
  duration.record(endNs / 1e9 - startMs / 1e3, { kind, outcome });
}

function kindOf(name: string, attributes: Attributes): string | undefined {
  switch (attributes["gen_ai.operation.name"]) {
    case "invoke_agent":
      return "run";
    case "execute_tool":
      return "tool";
    case "chat":
      return "model_call";
  }
  switch (name) {
    case "openclaw.harness.run":
    case "openclaw.run":
      return "run";
    case "openclaw.tool.execution":
      return "tool";
    case "openclaw.model.call":
      return "model_call";
    default:
      return undefined;
  }
}

function sessionOf(name: string): Session {
  let session = sessions.get(name);
  if (session === undefined) {
    session = { open: new Map(), owners: 0 };
    sessions.set(name, session);
  }
  return session;
}

function evict(session: Session): void {
  for (const [key, { kind }] of session.open) {
    open.delete(key);
    evicted.add(1, { kind });
  }
  session.open.clear();
}

function numberOf(long: { readonly high: number; readonly low: number } | null | undefined) {
  return long === null || long === undefined ? undefined : long.high * 2 ** 32 + (long.low >>> 0);
}

function hex(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  return request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
}

const server = createServer(async (request, response) => {
  if (request.method === "GET") {
    response.end(String(spans));
    return;
  }
  take(await bodyOf(request));
  response.setHeader("content-type", "application/x-protobuf");
  response.end();
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit(0));

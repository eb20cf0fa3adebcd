import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { jsonOfRequest } from "../../src/otlp/json-text.ts";
import { familiesOf } from "../e2e/dialect-families.ts";
import { callGrpc } from "../receivers/otlp/grpc-client.ts";
import { orphanedTool } from "../support/agent-spans.ts";
import { makeAuthority } from "../support/certificates.ts";
import { send } from "../support/send.ts";
import type { CanaryMint } from "./canary-mint.ts";
import { callAll } from "./hostile-grpc.ts";
import { exchange, rawRequests } from "./hostile-http.ts";
import {
  type Body,
  frameworkTurns,
  fullRequests,
  idAttributes,
  malformedBodies,
} from "./signal-canaries.ts";
import type { Stage } from "./stage.ts";

/** The ports of everything that listens. */
interface Ports {
  readonly http: number;
  readonly grpc: number;
  readonly passwordHttp: number;
  readonly passwordGrpc: number;
  readonly tokenHttp: number;
  readonly tokenGrpc: number;
  readonly mutualHttp: number;
  readonly mutualGrpc: number;
  readonly prometheus: number;
  readonly health: number;
  readonly telemetry: number;
}

const overHttp = "Receiving OTLP over HTTP.";
const overGrpc = "Receiving OTLP over gRPC.";

function portsOf(stage: Stage): Ports {
  const port = (id: string, message: string) => {
    const number = Number(stage.endpoint(id, message).split(":").at(-1));
    if (Number.isNaN(number)) {
      throw new Error(`${id} does not listen: "${message}" is not in the log.`);
    }
    return number;
  };
  return {
    http: port("otlp", overHttp),
    grpc: port("otlp", overGrpc),
    passwordHttp: port("otlp/password", overHttp),
    passwordGrpc: port("otlp/password", overGrpc),
    tokenHttp: port("otlp/token", overHttp),
    tokenGrpc: port("otlp/token", overGrpc),
    mutualHttp: port("otlp/mutual", overHttp),
    mutualGrpc: port("otlp/mutual", overGrpc),
    prometheus: port("prometheus", "Serving metrics for Prometheus."),
    health: port("health_check", "Serving health checks."),
    telemetry: port("", "Serving the collector's own metrics."),
  };
}

/** Sends everything there is to the collector, and takes what it answers and shows. */
export async function feed(
  stage: Stage,
  mint: CanaryMint,
  { malformed, reloads }: { readonly malformed: number; readonly reloads: readonly string[] },
): Promise<void> {
  const ports = portsOf(stage);
  const post = postOf(stage, ports, mint);
  const full = fullRequests(mint);
  for (const body of [
    ...full,
    ...frameworkTurns(mint),
    ...malformedBodies(mint, full, malformed),
  ]) {
    await post(body);
  }
  await sendFamilies(mint, post, ports);
  feedFiles(stage, mint, full);
  for (const path of ["/v1/traces", "/v1/logs"]) {
    await answersTo(stage, "answers over HTTP", ports.http, rawRequests(mint, path));
  }
  for (const port of [ports.passwordHttp, ports.tokenHttp]) {
    await answersTo(stage, "answers over HTTP", port, rawRequests(mint, "/v1/metrics").slice(-20));
  }
  for (const [channel, port, path] of [
    // It answers with the metrics of senders, too.
    ["ids on the page of senders' metrics", ports.prometheus, "/metrics"],
    ["answers of pages", ports.health, "/status"],
    ["answers of pages", ports.telemetry, "/metrics"],
  ] as const) {
    await answersTo(stage, channel, port, rawRequests(mint, path));
  }
  for (const port of [ports.grpc, ports.passwordGrpc]) {
    for (const answer of await callAll(mint, port)) {
      stage.answered("answers over gRPC", answer);
    }
  }
  await overTls(stage, mint, ports);
  await untilEvicted(stage, ports);
  await takePages(stage, ports);
  for (const extra of reloads) {
    await stage.reload(extra);
  }
}

type Post = (body: Body) => Promise<void>;

/** Posts over every transport in turn. */
function postOf(stage: Stage, ports: Ports, mint: CanaryMint): Post {
  const user = mint.canaries.find(({ origin }) => origin === "basic_auth, user")?.value ?? "";
  const password = mint.canaries.find(({ origin }) => origin === "basic_auth, password")?.value;
  const basic = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  let count = 0;
  return async ({ what, signal, bytes, isJson = false }) => {
    count += 1;
    const way = isJson ? ["plain", "gzip", "password"][count % 3] : ways[count % ways.length];
    const type = isJson ? "application/json" : "application/x-protobuf";
    const id = { "x-session-id": mint.plain(`header beside ${what}`), "content-type": type };
    if (way === "grpc" || way === "grpc password") {
      const metadata = {
        "x-session-id": id["x-session-id"],
        ...(way === "grpc" ? {} : { authorization: basic }),
      };
      const port = way === "grpc" ? ports.grpc : ports.passwordGrpc;
      const result = await callGrpc(port, signal, bytes, { metadata, deadlineMs: 5_000 });
      stage.answered(
        "answers over gRPC",
        Buffer.from(`${result.code} ${result.details}\n${JSON.stringify(result.metadata)}\n`),
      );
      return;
    }
    const [body, encoding] =
      way === "gzip"
        ? [gzipSync(bytes), { "content-encoding": "gzip" }]
        : way === "zstd"
          ? [zstdCompressSync(bytes), { "content-encoding": "zstd" }]
          : [bytes, {}];
    const isPassword = way === "password";
    const base = `http://127.0.0.1:${isPassword ? ports.passwordHttp : ports.http}`;
    const {
      status,
      headers,
      bytes: answer,
    } = await send(base, signal, body, {
      ...id,
      ...encoding,
      ...(isPassword ? { authorization: basic } : {}),
    });
    stage.answered(
      "answers over HTTP",
      Buffer.concat([Buffer.from(`${status} ${[...headers].flat().join("\n")}\n`), answer]),
    );
  };
}

const ways = ["plain", "grpc", "gzip", "password", "grpc password", "zstd"];

/** Every dialect in which senders report work, with ids in it; recorded ones have ids of their own, which are watched. */
async function sendFamilies(mint: CanaryMint, post: Post, ports: Ports): Promise<void> {
  const ids = idAttributes(mint, "a dialect");
  for (const family of familiesOf(ids)) {
    try {
      await family.send({
        endpoint: `http://127.0.0.1:${ports.http}`,
        post: (signal, bytes) => {
          watchIds(mint, bytes, family.name);
          return post({ what: family.name, signal, bytes });
        },
        untilDecided: async () => {},
        // The pause is looked at by the test of the dialects.
        value: async () => 1,
      });
    } catch (error) {
      if (family.dialect === "relay") {
        continue; // It sends in its own time and gives up what is refused; that it sent some is enough.
      }
      throw new Error(`The family "${family.name}" could not be sent.`, { cause: error });
    }
  }
}

/** UUIDs and other long hex ids of a recording, which are different in every recording. */
function watchIds(mint: CanaryMint, bytes: Uint8Array, origin: string): void {
  const text = Buffer.from(bytes).toString("latin1");
  for (const [id] of text.matchAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g)) {
    mint.watch(id, origin);
  }
}

/** Lines of every signal, and lines that are none. */
function feedFiles(stage: Stage, mint: CanaryMint, full: readonly Body[]): void {
  const file = join(stage.folder, "in", "data.jsonl");
  for (const { signal, bytes, isJson } of [...full, ...malformedBodies(mint, full, 40)]) {
    const text =
      isJson === true ? Buffer.from(bytes).toString() : jsonOfRequest(signal, bytes).text;
    appendFileSync(file, `${text.replaceAll("\n", " ")}\n`);
  }
  appendFileSync(file, `${mint.plain("a line of a file")}\n{"${mint.plain("a line of a file")}`);
}

async function answersTo(
  stage: Stage,
  channel: string,
  port: number,
  requests: readonly { readonly bytes: Uint8Array }[],
): Promise<void> {
  const parts = 8;
  for (let from = 0; from < requests.length; from += parts) {
    const some = requests.slice(from, from + parts);
    for (const answer of await Promise.all(some.map(({ bytes }) => exchange(port, bytes)))) {
      stage.answered(channel, answer);
    }
  }
}

/** Names of servers and of clients, right and wrong credentials. */
async function overTls(stage: Stage, mint: CanaryMint, ports: Ports): Promise<void> {
  const text = (origin: string) => mint.plain(`TLS, ${origin}`);
  const known = stage.authority.issue([text("subject of a known client")]);
  const unknown = makeAuthority(text("unknown authority")).issue([text("unknown subject")]);
  const token = mint.canaries.find(({ origin }) => origin === "bearer_token_auth, token")?.value;
  const request = (authorization: string) =>
    Buffer.from(
      `POST /v1/traces?${text("query")} HTTP/1.1\r\nHost: ${text("host")}\r\nContent-Type: application/json\r\nAuthorization: ${authorization}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
    );
  for (const port of [ports.tokenHttp, ports.tokenGrpc, ports.mutualHttp, ports.mutualGrpc]) {
    for (const [bytes, tls] of [
      [request(`Bearer ${token}`), { servername: `${text("server name")}.example` }],
      [request(`Bearer ${text("token")}`), {}],
      [request("none"), { ...known, servername: text("server name") }],
      [request("none"), unknown],
      [request("none"), { ALPNProtocols: [text("protocol")] }],
    ] satisfies [Buffer, ConnectionOptions][]) {
      const answer = await exchange(port, bytes, tls);
      stage.answered("answers over TLS", answer);
    }
    stage.answered("answers over TLS", await exchange(port, request("none")));
    stage.answered("answers over TLS", await exchange(port, Buffer.from(text("no hello"))));
  }
}

/** Deadlines are decided in their order: when the last one is evicted, all before it are. */
async function untilEvicted(stage: Stage, ports: Ports): Promise<void> {
  const base = `http://127.0.0.1:${ports.http}`;
  for (const body of orphanedTool("last", { "gen_ai.tool.name": "the_last_tool" })) {
    await send(base, "traces", body);
  }
  await stage.derived.until(
    "the last tool was evicted",
    (requests) =>
      requests.some(({ bytes }) => Buffer.from(bytes).includes("the_last_tool")) ? true : undefined,
    20_000,
  );
}

async function takePages(stage: Stage, ports: Ports): Promise<void> {
  const take = async (channel: string, port: number, path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    stage.answered(channel, Buffer.from(`${[...response.headers].flat().join("\n")}\n`));
    return response.text();
  };
  const own = "page of the collector's metrics";
  stage.answered(own, Buffer.from(await take(own, ports.telemetry, "/metrics")));
  const derived = "page of derived metrics";
  const lines = (await take(derived, ports.prometheus, "/metrics")).split("\n");
  const isDerived = (line: string) => /^(?:# (?:HELP|TYPE) )?openclaw_session_/.test(line);
  const those = (isWanted: boolean) =>
    Buffer.from(lines.filter((line) => isDerived(line) === isWanted).join("\n"));
  stage.answered(derived, those(true));
  stage.answered("ids on the page of senders' metrics", those(false));
  for (const path of ["/", "/status", "/ready", "/status?pipeline=traces"]) {
    const channel = "pages of health";
    stage.answered(channel, Buffer.from(await take(channel, ports.health, path)));
  }
}

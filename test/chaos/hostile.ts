import { existsSync, readdirSync, readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Signal } from "../../src/otlp/payload.ts";
import { pathOf } from "../support/repository.ts";
import type { Chance } from "../system/kill/chance.ts";
import { type Contents, contentsOf } from "./items.ts";

const nothing: Contents = { items: [], consumed: [], closed: [] };

/** A body that means harm, and how it is posted. */
export interface HostileBody {
  readonly name: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** What the collector may make of it: finished work, and something to pass on. */
  readonly contents: Contents;
}

const folder = pathOf("test/testdata/hostile");
/** Every answer that the receiver documents. */
export const documentedStatuses = [200, 400, 401, 404, 405, 408, 413, 415, 429, 431, 503] as const;
/** Whatever is larger is no list of spans but an attack on the reader. */
const mostDecodedBytes = 8 * 1024 * 1024;
const answerWithinMs = 60_000;

/** The recorded attacks. */
export function hostileBodies(): readonly HostileBody[] {
  if (!existsSync(folder)) {
    return [];
  }
  return readdirSync(folder)
    .filter((name) => /\.(gz|pb|json)$/.test(name))
    .map((name) => {
      const body = readFileSync(join(folder, name));
      const isGzip = name.endsWith(".gz");
      const inflated = isGzip ? gunzipSync(body) : body;
      const isJson = inflated[0] === 0x5b || inflated[0] === 0x7b;
      const signal = !isJson && /^logs|\.log\./.test(name) ? "logs" : "traces";
      return {
        name,
        path: `/v1/${signal}`,
        headers: {
          "content-type": isJson ? "application/json" : "application/x-protobuf",
          ...(isGzip ? { "content-encoding": "gzip" } : {}),
        },
        body,
        contents: isJson ? nothing : readable(signal, inflated),
      };
    });
}

/** Something that no sender would send on purpose. */
export function garbage(chance: Chance): HostileBody {
  const path = chance.pick(["/v1/traces", "/v1/logs", "/v1/metrics", "/v1/nothing", "/"]);
  const [type, body] = chance.pick([
    ["application/x-protobuf", () => Buffer.from(chance.bytes(1 + chance.below(4_000)))],
    ["application/json", () => Buffer.from("[".repeat(chance.below(100_000)))],
    ["application/json", () => Buffer.from('{"resourceSpans":[{}'.repeat(100))],
    ["application/json", () => Buffer.from(`{"resourceSpans":${"9".repeat(20_000)}}`)],
    ["application/x-protobuf", () => Buffer.alloc(50_000, 0x0a)],
    ["text/html", () => Buffer.from("<html>")],
  ] as const);
  const encoding = chance.is(0.2)
    ? { "content-encoding": chance.pick(["gzip", "zstd", "br"]) }
    : {};
  return {
    name: "garbage",
    path,
    headers: { "content-type": type, ...encoding },
    body: body(),
    contents: nothing,
  };
}

/** Posts a body. Resolves to the status; to undefined when the connection ended without, as it may while the collector ends. */
export function attack(
  port: number,
  { path, headers, body }: HostileBody,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = httpRequest(
      { host: "127.0.0.1", port, path, method: "POST", agent: false, headers },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    request.setTimeout(answerWithinMs, () => request.destroy());
    request.once("error", () => resolve(undefined));
    request.once("close", () => resolve(undefined));
    request.end(body);
  });
}

/** Connections that say nothing, or half of something, held for a while. */
export async function flood(
  port: number,
  {
    connections,
    forMs,
    says,
  }: {
    readonly connections: number;
    readonly forMs: number;
    readonly says: "nothing" | "half a head" | "half a body";
  },
): Promise<void> {
  const words = {
    nothing: "",
    "half a head": "POST /v1/traces HTTP/1.1\r\nHost: x\r\n",
    "half a body":
      "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 100000\r\n\r\n1234",
  };
  const sockets: Socket[] = Array.from({ length: connections }, () => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => socket.destroy());
    socket.on("data", () => {});
    if (words[says] !== "") {
      socket.write(words[says]);
    }
    return socket;
  });
  await new Promise((resolve) => setTimeout(resolve, forMs));
  for (const socket of sockets) {
    socket.destroy();
  }
}

/** A sender that goes away in the middle of its request. */
export async function vanish(port: number, chance: Chance): Promise<void> {
  await flood(port, {
    connections: 1 + chance.below(4),
    forMs: 50 + chance.below(500),
    says: chance.pick(["half a head", "half a body"]),
  });
}

function readable(signal: Signal, bytes: Buffer): Contents {
  if (bytes.length > mostDecodedBytes) {
    return nothing;
  }
  try {
    return contentsOf(signal, bytes);
  } catch {
    return nothing;
  }
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import { status as grpcStatus, ServerCredentials } from "@grpc/grpc-js";
import type { Signal } from "../../src/otlp/payload.ts";
import type { Credentials } from "../support/certificates.ts";
import { type GrpcSink, openGrpcSink } from "../support/grpc-sink.ts";
import type { Ledger } from "./ledger.ts";

/** How a backend behaves for a while. */
export const moods = [
  "up",
  /** Nothing listens. */
  "down",
  /** Every answer takes its time. */
  "slow",
  /** 503, or UNAVAILABLE. */
  "unavailable",
  /** 429 with Retry-After, or RESOURCE_EXHAUSTED. */
  "throttled",
  /** 400, or INVALID_ARGUMENT, for some requests: those are lost, and say so. */
  "refusing",
  /** Keeps the request and breaks the connection before the answer. */
  "resetting",
  /** Keeps the request and sends half of an answer. */
  "halving",
  /** Keeps the request and never answers. */
  "hanging",
  /** Keeps the request and answers with something that is no OTLP. */
  "garbling",
] as const;
export type Mood = (typeof moods)[number];

/** A backend that keeps books, and has moods. */
export interface Backend {
  readonly endpoint: string;
  readonly ledger: Ledger;
  become(mood: Mood): Promise<void>;
  close(): Promise<void>;
}

const slowMs = 400;
/** Of a refusing backend one request in so many is refused. */
const refusedOneIn = 10;

export async function openHttpBackend(ledger: Ledger): Promise<Backend> {
  let mood: Mood = "up";
  let server: Server | undefined;
  let port = 0;
  let count = 0;
  const sockets = new Set<Socket>();

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Uint8Array[] = [];
    try {
      for await (const part of request) {
        parts.push(part);
      }
    } catch {
      return; // It broke off: no request.
    }
    const now = mood;
    if (now === "slow") {
      await new Promise((resolve) => setTimeout(resolve, slowMs));
    }
    if (response.destroyed) {
      return;
    }
    const body = Buffer.concat(parts);
    const bytes = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
    const signal = (request.url ?? "").replace(/^.*\//, "") as Signal;
    const answer = (status: number, headers: Readonly<Record<string, string>> = {}) =>
      response.writeHead(status, { "content-type": "application/x-protobuf", ...headers });
    if (now === "unavailable" || now === "throttled") {
      answer(now === "throttled" ? 429 : 503, { "retry-after": "1" }).end();
      return;
    }
    count++;
    if (now === "refusing" && count % refusedOneIn === 0) {
      ledger.refuse(signal, bytes);
      answer(400).end();
      return;
    }
    ledger.keep(signal, bytes);
    switch (now) {
      case "resetting":
        request.socket.resetAndDestroy();
        return;
      case "halving":
        answer(200, { "content-length": "40" }).write(Buffer.from([0x0a]));
        setTimeout(() => response.destroy(), 50);
        return;
      case "hanging":
        return;
      case "garbling":
        answer(200, { "content-type": "text/html" }).end("<html>Sign in</html>");
        return;
      default:
        answer(200).end();
    }
  }

  async function open(): Promise<void> {
    const opening = createServer((request, response) => void take(request, response));
    opening.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      opening.once("error", reject);
      opening.listen(port, "127.0.0.1", resolve);
    });
    port = (opening.address() as AddressInfo).port;
    server = opening;
  }

  async function close(): Promise<void> {
    const closing = server;
    server = undefined;
    if (closing !== undefined) {
      const closed = new Promise((resolve) => closing.close(resolve));
      for (const socket of sockets) {
        socket.destroy();
      }
      await closed;
    }
  }

  await open();
  return {
    endpoint: `http://127.0.0.1:${port}`,
    ledger,
    async become(next) {
      mood = next;
      if (next === "down") {
        await close();
      } else if (server === undefined) {
        await open();
      } else if (next === "up") {
        // What hangs ends.
        for (const socket of sockets) {
          socket.destroy();
        }
      }
    },
    close,
  };
}

/** The same over gRPC, with a certificate of its own. */
export async function openGrpcBackend(ledger: Ledger, identity: Credentials): Promise<Backend> {
  let mood: Mood = "up";
  let sink: GrpcSink | undefined;
  let port = 0;
  let count = 0;
  const credentials = ServerCredentials.createSsl(null, [
    { private_key: Buffer.from(identity.key), cert_chain: Buffer.from(identity.cert) },
  ]);

  async function open(): Promise<void> {
    const opened = await openGrpcSink({ port, credentials });
    port = opened.port;
    sink = opened;
    opened.answer = ({ signal, bytes }) => {
      // Whoever keeps books needs no list.
      (opened.requests as unknown[]).length = 0;
      switch (mood) {
        case "unavailable":
          return { code: grpcStatus.UNAVAILABLE, details: "away" };
        case "throttled":
          return { code: grpcStatus.ABORTED, details: "slow down" };
        case "refusing":
          count++;
          if (count % refusedOneIn === 0) {
            ledger.refuse(signal, bytes);
            return { code: grpcStatus.INVALID_ARGUMENT, details: "no" };
          }
          break;
        default:
      }
      ledger.keep(signal, bytes);
      switch (mood) {
        case "hanging":
        case "slow":
          return "wait";
        case "resetting":
        case "halving":
          breakConnections();
          return "wait";
        case "garbling":
          return new Uint8Array([0xff, 0xff, 0xff]);
        default:
          return new Uint8Array(0);
      }
    };
  }

  /** One after the other, so that no two of them open the port. */
  let changing: Promise<void> = Promise.resolve();
  function change(act: () => Promise<void>): Promise<void> {
    changing = changing.then(act);
    return changing;
  }

  async function shut(): Promise<void> {
    sink?.close();
    sink = undefined;
  }

  /** The library breaks single connections by no public means, so the port is closed and opened again. */
  function breakConnections(): void {
    void change(async () => {
      if (mood === "resetting" || mood === "halving") {
        await shut();
        await open();
      }
    });
  }

  await open();
  return {
    endpoint: `127.0.0.1:${port}`,
    ledger,
    become: (next) =>
      change(async () => {
        mood = next;
        if (next === "down") {
          await shut();
        } else if (sink === undefined) {
          await open();
        }
      }),
    close: () => change(shut),
  };
}

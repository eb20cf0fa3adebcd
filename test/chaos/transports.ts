import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { jsonOfRequest } from "../../src/otlp/json-text.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { exportPath } from "../receivers/otlp/grpc-client.ts";

/** The name in the certificate of the receiver. */
export const receiverName = "localhost";

const gzipped = promisify(gzip);

/** How an attempt to send ended: with success, with another answer, or with none. */
export type Attempt = "accepted" | `refused ${string}` | "unanswered";

/** A way to send a request once. */
export interface Transport {
  send(signal: Signal, bytes: Uint8Array): Promise<Attempt>;
  close(): void;
}

export interface HttpOptions {
  readonly port: () => number | undefined;
  readonly encoding: "protobuf" | "json";
  readonly gzip?: boolean;
  /** Basic credentials of the moment. */
  readonly authorization?: () => string;
  readonly timeoutMs: number;
}

/** OTLP/HTTP over connections that are kept. */
export function httpTransport({
  port,
  encoding,
  gzip: isGzip = false,
  authorization,
  timeoutMs,
}: HttpOptions): Transport {
  const agent = new Agent({ keepAlive: true, maxSockets: 6 });
  return {
    async send(signal, bytes) {
      const at = port();
      if (at === undefined) {
        return "unanswered";
      }
      const plain =
        encoding === "json" ? Buffer.from(jsonOfRequest(signal, bytes).text) : Buffer.from(bytes);
      const body = isGzip ? await gzipped(plain) : plain;
      return new Promise((resolve) => {
        const request = httpRequest(
          {
            agent,
            host: "127.0.0.1",
            port: at,
            path: `/v1/${signal}`,
            method: "POST",
            headers: {
              "content-type": encoding === "json" ? "application/json" : "application/x-protobuf",
              "content-length": body.length,
              ...(isGzip ? { "content-encoding": "gzip" } : {}),
              ...(authorization === undefined ? {} : { authorization: authorization() }),
            },
          },
          (response) => {
            response.resume();
            response.once("error", () => resolve("unanswered"));
            response.once("close", () => resolve("unanswered"));
            response.once("end", () =>
              resolve(
                response.statusCode === 200 ? "accepted" : `refused ${response.statusCode ?? 0}`,
              ),
            );
          },
        );
        request.setTimeout(timeoutMs, () => request.destroy());
        const timer = setTimeout(() => request.destroy(), timeoutMs);
        request.once("error", () => resolve("unanswered"));
        request.once("close", () => {
          clearTimeout(timer);
          resolve("unanswered");
        });
        request.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}

/** OTLP/gRPC over TLS with a token, over one connection that is made anew when it breaks. */
export function grpcTransport({
  port,
  authority,
  token,
  timeoutMs,
}: {
  readonly port: () => number | undefined;
  /** The certificate of the authority that is trusted. */
  readonly authority: string;
  readonly token: () => string;
  readonly timeoutMs: number;
}): Transport {
  let client: Client | undefined;
  let clientPort = 0;
  return {
    async send(signal, bytes) {
      const at = port();
      if (at === undefined) {
        return "unanswered";
      }
      if (client === undefined || clientPort !== at) {
        client?.close();
        clientPort = at;
        client = new Client(`127.0.0.1:${at}`, credentials.createSsl(Buffer.from(authority)), {
          "grpc.use_local_subchannel_pool": 1,
          "grpc.enable_retries": 0,
          // TLS knows no addresses as names of servers.
          "grpc.ssl_target_name_override": receiverName,
          "grpc.initial_reconnect_backoff_ms": 100,
          "grpc.max_reconnect_backoff_ms": 500,
        });
      }
      const metadata = new Metadata();
      metadata.set("authorization", `Bearer ${token()}`);
      const calling = client;
      return new Promise((resolve) => {
        calling.makeUnaryRequest(
          exportPath(signal),
          (message: Uint8Array) => Buffer.from(message),
          (message) => message,
          bytes,
          metadata,
          { deadline: Date.now() + timeoutMs },
          (error: ServiceError | null) => {
            if (error === null) {
              resolve("accepted");
            } else {
              // 4: no answer in time. 14: no connection, or a refusal that may pass.
              resolve(error.code === 4 ? "unanswered" : `refused grpc ${error.code}`);
            }
          },
        );
      });
    },
    close: () => client?.close(),
  };
}

/** Lines of JSON in a file that the collector reads: what is in the file counts as answered. */
export function fileTransport(path: () => string): Transport {
  return {
    async send(signal, bytes) {
      try {
        appendFileSync(path(), `${jsonOfRequest(signal, bytes).text}\n`);
        return "accepted";
      } catch {
        return "unanswered";
      }
    },
    close() {},
  };
}

export function newSecret(): string {
  return `chaos-secret-${randomBytes(12).toString("hex")}`;
}

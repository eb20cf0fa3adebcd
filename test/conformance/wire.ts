import assert from "node:assert/strict";
import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:http2";
import { gunzipSync, gzipSync } from "node:zlib";
import { messagePrefix, messagePrefixBytes } from "../../src/net/grpc-protocol.ts";
import { contentTypeOf, type Transport } from "./transport.ts";

/** A request as it is on the wire; of gRPC with the prefix of its message. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Of gRPC. */
  readonly trailers: Readonly<Record<string, string>>;
}

/** How long a peer may take. None takes a second, but a wrong one may take for ever. */
const answerMs = 10_000;

const agent = new Agent({ keepAlive: true });

/** Sends a request to `host:port` over a socket of HTTP/1.1. Fails as an assertion if there is no answer. */
export function sendHttp(hostPort: string, request: WireRequest): Promise<WireAnswer> {
  const { method, path, headers, body } = request;
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      `http://${hostPort}${path}`,
      { method, headers: { ...headers, "content-length": body.length }, agent, timeout: answerMs },
      (response) => {
        const parts: Uint8Array[] = [];
        response.on("data", (part: Uint8Array) => parts.push(part));
        response.once("error", (error) => reject(noAnswer(error)));
        response.once("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: plainHeaders(response.headers),
            body: Buffer.concat(parts),
            trailers: {},
          }),
        );
      },
    );
    sent.once("timeout", () => sent.destroy(new Error("It took too long.")));
    sent.once("error", (error) => reject(noAnswer(error)));
    sent.end(body);
  });
}

/** Sends a request to `host:port` over a connection of HTTP/2. Fails as an assertion if there is no answer. */
export async function sendHttp2(hostPort: string, request: WireRequest): Promise<WireAnswer> {
  const { method, path, headers, body } = request;
  const session = connect(`http://${hostPort}`);
  try {
    return await new Promise<WireAnswer>((resolve, reject) => {
      const fail = (error: Error) => reject(noAnswer(error));
      session.once("error", fail);
      session.setTimeout(answerMs, () => fail(new Error("It took too long.")));
      const stream = session.request({ ":method": method, ":path": path, ...headers });
      const answer: { status: number; headers: object; trailers: object } = {
        status: 0,
        headers: {},
        trailers: {},
      };
      const parts: Uint8Array[] = [];
      stream.on("response", (head) => {
        answer.status = Number(head[":status"]);
        answer.headers = head;
      });
      stream.on("trailers", (trailers) => {
        answer.trailers = trailers;
      });
      stream.on("data", (part: Uint8Array) => parts.push(part));
      stream.once("error", fail);
      stream.once("close", () => {
        if (answer.status === 0) {
          fail(new Error("The stream was closed."));
        }
        resolve({
          status: answer.status,
          headers: plainHeaders(answer.headers),
          trailers: plainHeaders(answer.trailers),
          body: Buffer.concat(parts),
        });
      });
      stream.end(body);
    });
  } finally {
    session.destroy();
  }
}

function noAnswer(error: Error): assert.AssertionError {
  return new assert.AssertionError({ message: `There was no answer: ${error.message}` });
}

export function plainHeaders(headers: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || typeof name !== "string" ? [] : [[name, String(value)]],
    ),
  );
}

export function framed(message: Uint8Array, isCompressed = false): Uint8Array {
  return Buffer.concat([messagePrefix(message.length, isCompressed), message]);
}

/** A request that carries a message, as a client of the transport sends it. */
export function requestWith(
  transport: Transport,
  path: string,
  message: Uint8Array,
  { isGzipped = false }: { readonly isGzipped?: boolean } = {},
): WireRequest {
  const payload = isGzipped ? gzipSync(message) : message;
  const contentType = contentTypeOf(transport);
  if (transport !== "grpc") {
    const encoding = isGzipped ? { "content-encoding": "gzip" } : {};
    return {
      method: "POST",
      path,
      headers: { "content-type": contentType, ...encoding },
      body: payload,
    };
  }
  return {
    method: "POST",
    path,
    headers: {
      "content-type": contentType,
      te: "trailers",
      ...(isGzipped ? { "grpc-encoding": "gzip" } : {}),
    },
    body: framed(payload, isGzipped),
  };
}

/** The message that a request or an answer carries, inflated. Fails as an assertion for bytes that carry none. */
export function messageIn(
  transport: Transport,
  {
    headers,
    body,
  }: { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array },
): Uint8Array {
  try {
    if (transport !== "grpc") {
      return headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
    }
    const view = Buffer.from(body);
    assert.ok(view.length >= messagePrefixBytes, "The body has no message of gRPC.");
    assert.equal(view.readUInt32BE(1), view.length - messagePrefixBytes, "not exactly one message");
    const payload = view.subarray(messagePrefixBytes);
    return view[0] === 1 ? gunzipSync(payload) : payload;
  } catch (error) {
    return assert.fail(`The body cannot be read: ${String(error)}`);
  }
}

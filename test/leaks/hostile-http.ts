import { connect } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { gzipSync } from "node:zlib";
import type { CanaryMint } from "./canary-mint.ts";

/** A request as bytes. */
export interface RawRequest {
  readonly what: string;
  readonly bytes: Buffer;
}

/** Headers that servers, proxies and frameworks read, log or answer. */
const headerNames = [
  "Authorization",
  "Proxy-Authorization",
  "Cookie",
  "User-Agent",
  "Referer",
  "Origin",
  "From",
  "Via",
  "Forwarded",
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Real-IP",
  "X-Request-ID",
  "X-API-Key",
  "traceparent",
  "tracestate",
  "baggage",
  "X-Custom-Session",
  "Accept",
  "Accept-Encoding",
  "Accept-Language",
  "Range",
  "If-None-Match",
  "Content-Type",
  "Content-Encoding",
  "Content-Language",
  "Content-Disposition",
  "Access-Control-Request-Method",
  "Access-Control-Request-Headers",
  "grpc-timeout",
  "grpc-encoding",
  "X-Scope-OrgID",
];
/** Those with which the head itself is refused. */
const framingNames = ["Host", "Content-Length", "Transfer-Encoding", "Expect", "Upgrade", "TE"];

const bodyTypes = ["application/x-protobuf", "application/json", "text/plain"];

/** Every place of a request of HTTP/1.1 that a client chooses, each with a canary, right and wrong. */
export function rawRequests(mint: CanaryMint, path: string): readonly RawRequest[] {
  const where = `HTTP ${path}`;
  const text = (origin: string) => mint.plain(`${where}, ${origin}`);
  const request = (
    what: string,
    {
      line = `POST ${path} HTTP/1.1`,
      head = [],
      body = "",
      host = "127.0.0.1",
    }: {
      readonly line?: string;
      readonly head?: readonly string[];
      readonly body?: string | Uint8Array;
      readonly host?: string | null;
    },
  ): RawRequest => {
    const content = Buffer.from(body as string);
    const lines = [
      line,
      ...(host === null ? [] : [`Host: ${host}`]),
      ...(head.some((each) => /^(?:content-length|transfer-encoding):/i.test(each))
        ? []
        : [`Content-Length: ${content.length}`]),
      "Connection: close",
      ...head,
    ];
    return {
      what: `${where}, ${what}`,
      bytes: Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), content]),
    };
  };
  const type = `Content-Type: ${mint.pick(bodyTypes)}`;
  return [
    ...headerNames.map((name) =>
      request(`header ${name}`, {
        head: [
          ...(name === "Content-Type" ? [] : [type]),
          `${name}: ${mint.mint(`${where}, header ${name}`, (token) => `canary ${token}; a="${token}", b`)}`,
        ],
        body: name === "Content-Encoding" ? text("body") : "",
      }),
    ),
    ...framingNames.map((name) =>
      request(`header ${name}`, {
        host: name === "Host" ? null : "127.0.0.1",
        head: [type, `${name}: ${text(`header ${name}`)}`],
      }),
    ),
    request("path", { line: `POST /${text("path")} HTTP/1.1`, head: [type] }),
    request("path below", { line: `POST ${path}/${text("path")} HTTP/1.1`, head: [type] }),
    request("query", { line: `POST ${path}?session=${text("query")} HTTP/1.1`, head: [type] }),
    request("GET with query", { line: `GET ${path}?key=${text("query")} HTTP/1.1` }),
    request("fragment", { line: `GET ${path}#${text("fragment")} HTTP/1.1` }),
    request("absolute target", {
      line: `POST http://${text("user")}:${text("password")}@127.0.0.1${path} HTTP/1.1`,
      head: [type],
    }),
    request("host of an absolute target", { line: `GET http://${text("host")}/ HTTP/1.1` }),
    request("host", { line: `GET ${path} HTTP/1.1`, host: `${text("host")}.example` }),
    request("method", { line: `${text("method").toUpperCase()} ${path} HTTP/1.1` }),
    request("method PUT", { line: `PUT ${path} HTTP/1.1`, body: text("body") }),
    request("CONNECT", { line: `CONNECT ${text("authority")}:443 HTTP/1.1` }),
    request("version", { line: `GET ${path} HTTP/${text("version")}` }),
    request("no request", { line: text("line") }),
    request("a line that is no header", { head: [text("line")] }),
    request("a header name with a blank", { head: [`X ${text("header name")}: 1`] }),
    request("a header name", { head: [`X-${text("header name")}: 1`] }),
    request("a control character", { head: [`X-Custom: ${text("header")}\u0001`] }),
    request("two lengths", {
      head: ["Content-Length: 3", "Content-Length: 4"],
      body: text("body"),
    }),
    request("chunks", {
      head: [type, "Transfer-Encoding: chunked"],
      body: `zz${text("chunk size")}\r\n`,
    }),
    request("a chunk with an extension", {
      head: [type, "Transfer-Encoding: chunked"],
      body: `5;x=${text("extension")}\r\nabcde\r\n0\r\nX-Trailer: ${text("trailer")}\r\n\r\n`,
    }),
    request("a preflight", {
      line: `OPTIONS ${path} HTTP/1.1`,
      head: [
        `Origin: https://${text("origin")}.example`,
        `Access-Control-Request-Method: POST`,
        `Access-Control-Request-Headers: x-${text("header")}`,
      ],
    }),
    request("Basic", {
      head: [
        `Authorization: Basic ${Buffer.from(`${text("user")}:${text("password")}`).toString("base64")}`,
      ],
    }),
    request("Basic that is no base64", { head: [`Authorization: Basic ${text("credentials")}`] }),
    request("Bearer", { head: [`Authorization: Bearer ${text("token")}`] }),
    request("gzip of text", {
      head: [type, "Content-Encoding: gzip"],
      body: gzipSync(text("body")),
    }),
    request("gzip that breaks off", {
      head: [type, "Content-Encoding: gzip"],
      body: gzipSync(`${text("body")} ${"x".repeat(50)}`).subarray(0, -12),
    }),
    request("zstd that is none", { head: [type, "Content-Encoding: zstd"], body: text("body") }),
    request("two encodings", { head: [type, "Content-Encoding: gzip, gzip"], body: text("body") }),
    request("JSON in a charset", {
      head: [`Content-Type: application/json; charset=${text("charset")}`],
      body: `{"resourceSpans": ${text("body")}}`,
    }),
    request("protobuf that is text", {
      head: ["Content-Type: application/x-protobuf"],
      body: text("body"),
    }),
    request("JSON that is text", { head: ["Content-Type: application/json"], body: text("body") }),
    request("a long header", { head: [`X-Long: ${text("long header")}${"x".repeat(20_000)}`] }),
    request("HTTP/2", { line: "PRI * HTTP/2.0", body: text("preface") }),
    {
      what: `${where}, TLS`,
      bytes: Buffer.concat([
        Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]),
        Buffer.from(text("hello")),
      ]),
    },
  ];
}

const patienceMs = 1_500;

/** Sends bytes over a connection of their own and resolves to all that came back. */
export function exchange(
  port: number,
  bytes: Uint8Array,
  tls?: ConnectionOptions,
): Promise<Buffer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const socket =
      tls === undefined
        ? connect({ host: "127.0.0.1", port })
        : connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false, ...tls });
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(parts));
    };
    // A request that is not complete gets no answer until the server loses its patience; that is an input, too.
    const timer = setTimeout(finish, patienceMs);
    socket.on("data", (part: Buffer) => parts.push(part));
    socket.on("error", () => {});
    socket.on("close", finish);
    socket.write(bytes);
    socket.end();
  });
}

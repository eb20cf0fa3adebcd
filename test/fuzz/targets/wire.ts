import {
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateRawSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import { prefersGzip } from "../../../src/metrics/scrape.ts";
import { createCors } from "../../../src/net/cors.ts";
import { MessageReader } from "../../../src/net/grpc-message.ts";
import {
  encodeGrpcMessage,
  formatGrpcTimeout,
  parseGrpcStatus,
  parseGrpcTimeout,
  parseOnlyMessage,
} from "../../../src/net/grpc-protocol.ts";
import { createHostCheck } from "../../../src/net/host-check.ts";
import { protocolOf } from "../../../src/net/http2-preface.ts";
import { inflate, parseContentEncoding } from "../../../src/net/inflate.ts";
import { isExemptFromProxy } from "../../../src/net/no-proxy.ts";
import { parseProxy, proxyOfEnvironment } from "../../../src/net/proxy.ts";
import { originForm, pathOf } from "../../../src/net/request-target.ts";
import { retryAfterMsOf } from "../../../src/sender/retry-after.ts";
import { type FuzzTarget, fuzzTarget, latin1, must, utf8 } from "../fuzz-target.ts";

const maxInflated = 8 * 1024;
const limits = { maxBytes: maxInflated, slots: <T>(task: () => Promise<T>) => task() };
const streams = [
  { encoding: "gzip", pack: gzipSync, unpack: gunzipSync },
  { encoding: "zlib", pack: deflateSync, unpack: inflateSync },
  { encoding: "deflate", pack: deflateRawSync, unpack: inflateRawSync },
  { encoding: "zstd", pack: zstdCompressSync, unpack: zstdDecompressSync },
] as const;
const contents = [
  "",
  "a",
  "text ".repeat(50),
  "\0".repeat(maxInflated),
  "\0".repeat(maxInflated + 1),
];

const inflates = streams.map(({ encoding, pack, unpack }) =>
  fuzzTarget({
    name: `net-inflate-${encoding}`,
    parsers: ["src/net/inflate.ts"],
    executions: encoding === "zstd" ? 60_000 : 100_000,
    seeds: () => contents.map((text) => pack(text)),
    words: [pack(""), pack("b")],
    parser: inflate,
    broken: async (bytes: Uint8Array, name: typeof encoding, given: typeof limits) => {
      const result = await inflate(bytes, name, given);
      return result.ok || result.problem !== "corrupt"
        ? result
        : { ok: true as const, bytes: new Uint8Array(maxInflated + 1) };
    },
    async check(parser, input) {
      const result = await parser(input, encoding, limits);
      if (!result.ok) {
        return result.problem;
      }
      must(result.bytes.length <= maxInflated, "the output is bounded");
      if (encoding !== "deflate" && encoding !== "zlib") {
        // Node reads what is inflated, too; only of trailing bytes it is less strict. Of several frames of zstd it reads the first.
        const byNode = Buffer.from(unpack(input));
        const end = encoding === "zstd" ? byNode.length : result.bytes.length;
        must(byNode.equals(result.bytes.subarray(0, end)), "Node inflates the same");
      }
      return result.bytes.length;
    },
  }),
);

const contentEncoding = fuzzTarget({
  name: "net-content-encoding",
  parsers: ["src/net/inflate.ts"],
  executions: 400_000,
  maxBytes: 300,
  seeds: () => ["gzip", "x-gzip", "identity, gzip", "deflate", "zstd", "br"],
  words: ["gzip", "identity", ",", " ", ";q=1"],
  parser: parseContentEncoding,
  // Of two encodings the first is believed.
  broken: (header: string | undefined) => parseContentEncoding(header?.replace(/,.*/s, "")),
  check(parser, input) {
    const encoding = parser(latin1(input));
    const words = latin1(input)
      .toLowerCase()
      .split(",")
      .map((each) => each.trim());
    const named = words.filter((each) => each !== "" && each !== "identity");
    must(encoding === undefined || named.length <= 1, "two encodings are not one");
    return encoding;
  },
});

const unlimited = { expect() {}, tryTake: () => true, giveBack() {} };

/** The bytes arrive in pieces; the first byte says how long they are. */
const grpcMessage = fuzzTarget({
  name: "net-grpc-message",
  parsers: ["src/net/grpc-message.ts", "src/net/grpc-protocol.ts"],
  executions: 400_000,
  maxBytes: 600,
  seeds: () => [
    Uint8Array.of(3, 0, 0, 0, 0, 0),
    Uint8Array.of(1, 1, 0, 0, 0, 2, 7, 7),
    Uint8Array.of(9, 0, 0, 0, 1, 0, ...new Uint8Array(256)),
  ],
  words: [Uint8Array.of(0, 0, 0, 0, 1, 9), Uint8Array.of(0xff, 0xff, 0xff, 0xff)],
  parser: (given: ConstructorParameters<typeof MessageReader>[0]) => new MessageReader(given),
  broken: (given) => new MessageReader({ ...given, maxBytes: 1e9 }),
  check(parser, input) {
    const size = ((input[0] ?? 0) % 16) + 1;
    const bytes = input.subarray(1);
    const reader = parser({ maxBytes: 400, share: unlimited });
    for (let at = 0; at < bytes.length; at += size) {
      const problem = reader.take(bytes.subarray(at, at + size));
      if (problem !== undefined) {
        const whole = parseOnlyMessage(bytes);
        must(whole === undefined || whole.bytes.length > 400, "one message is read");
        must(problem !== "several" || whole === undefined, "one message is not several");
        return problem;
      }
    }
    const message = reader.end();
    if (typeof message === "string") {
      must(message !== "none" || bytes.length === 0, "bytes are not nothing");
      must(
        message !== "truncated" || announced(bytes) <= 400,
        "a message that is too large is refused before it arrives",
      );
      must(parseOnlyMessage(bytes) === undefined, "a whole message is read");
      return message;
    }
    const whole = parseOnlyMessage(bytes);
    must(
      whole !== undefined && Buffer.from(whole.bytes).equals(message.bytes),
      "pieces make the same message",
    );
    return message.bytes.length;
  },
});

/** The length that the prefix announces; 0 if it is not there yet. */
function announced(bytes: Uint8Array): number {
  return bytes.length < 5 ? 0 : Buffer.from(bytes).readUInt32BE(1);
}

const firstBytes = fuzzTarget({
  name: "net-first-bytes",
  parsers: ["src/net/http2-preface.ts"],
  executions: 500_000,
  maxBytes: 64,
  seeds: () => [
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "POST / HTTP/1.1\r\n",
    Uint8Array.of(0x16, 3, 1, 0),
    "PUT",
  ],
  words: ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Uint8Array.of(0x16, 3)],
  parser: protocolOf,
  broken: (bytes: Uint8Array) =>
    bytes.length < 24 && latin1(bytes).startsWith("PR") ? ("http1" as const) : protocolOf(bytes),
  check(parser, input) {
    let decided: string | undefined;
    for (let length = 0; length <= input.length; length++) {
      const found = parser(input.subarray(0, length));
      must(length < 24 || found !== undefined, "24 bytes are enough");
      must(
        decided === undefined || length === 0 || found === decided || decided === "other",
        "more bytes do not change what a client speaks",
      );
      decided = length === 0 ? undefined : (found ?? decided);
    }
    must(
      (parser(input) === "http2") === latin1(input).startsWith("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
      "HTTP/2 begins with its preface",
    );
    return decided;
  },
});

const grpcHeaders = fuzzTarget({
  name: "net-grpc-headers",
  parsers: ["src/net/grpc-protocol.ts"],
  executions: 500_000,
  maxBytes: 200,
  seeds: () => ["10S", " 5S", "99999999H", "1n", "14", "ü%\n", "100m"],
  words: ["H", "M", "S", "m", "u", "n", "%", "é"],
  parser: parseGrpcTimeout,
  // Blanks around are let through.
  broken: (header: string) => parseGrpcTimeout(header.trim()),
  check(parser, input) {
    const text = latin1(input);
    const ms = parser(text);
    must(
      (ms !== undefined) === /^\d{1,8}[HMSmun]$/.test(text),
      "a timeout has at most eight digits and a unit",
    );
    must(ms === undefined || (ms >= 0 && ms <= 99_999_999 * 3_600_000), "a timeout is bounded");
    const status = parseGrpcStatus(text);
    must(/^[\x20-\x7e]*$/.test(encodeGrpcMessage(utf8(input))), "a message is printable ASCII");
    must(
      decodeURIComponent(encodeGrpcMessage(utf8(input))) === utf8(input).toWellFormed(),
      "it can be decoded",
    );
    must(
      ms === undefined || parseGrpcTimeout(formatGrpcTimeout(ms)) !== undefined,
      "a timeout that is passed on is one",
    );
    return `${ms} ${status}`;
  },
});

const hostCheck = fuzzTarget({
  name: "net-host-check",
  parsers: ["src/net/host-check.ts"],
  executions: 400_000,
  maxBytes: 300,
  seeds: () => [
    "localhost:4318",
    "127.0.0.1",
    "[::1]:80",
    "evil.example",
    "a.good.example:1",
    "http://evil.example/v1/traces",
    "user@localhost",
    "localhost.evil.example",
  ],
  words: [
    "localhost",
    ".localhost",
    "evil.example",
    "good.example",
    "@",
    ":",
    "[",
    "]",
    "//",
    "http://",
    "127.0.0.1",
    "\\",
    "#",
    "%00",
    ".",
  ],
  parser: createHostCheck,
  broken: (allowed: readonly string[]) => {
    const check = createHostCheck(allowed);
    return (target) => check(target) || /localhost/.test(target.host ?? "");
  },
  check(parser, input) {
    const text = latin1(input);
    const isAllowed = parser(["*.good.example"]);
    const byHost = isAllowed({ host: text, url: "/" });
    const byUrl = isAllowed({ url: text });
    must(!isAllowed({ host: text, url: "http://evil.example/" }), "a foreign target is refused");
    // What a browser would send for the name of a page.
    const host = URL.parse(`http://${text}`)?.host;
    if (host !== undefined && host === text && byHost) {
      const { hostname } = new URL(`http://${text}`);
      must(
        /^(?:[\d.]+|\[.*\]|localhost\.?|.*\.localhost\.?|.*\.good\.example\.?|.*\.internal\.?)$/.test(
          hostname,
        ),
        "a page on the internet is refused",
      );
    }
    return `${byHost} ${byUrl}`;
  },
});

const requestTarget = fuzzTarget({
  name: "net-request-target",
  parsers: ["src/net/request-target.ts"],
  executions: 400_000,
  maxBytes: 300,
  seeds: () => ["/v1/traces", "http://host/v1/logs?x=1", "/%76%31/traces", "*", "/%zz"],
  words: ["http://", "/", "?", "%2f", "%", "#", "//", "@"],
  parser: pathOf,
  broken: (target: string) => decodeURIComponent(originForm(target).split("?", 1)[0] ?? ""),
  check(parser, input) {
    const target = latin1(input);
    const path = parser(target);
    must(path.length <= target.length + 1, "a path is not longer than its target");
    must(
      !/^https?:\/\/[^/?#]/i.test(originForm(target)) ||
        /^https?:\/\/[^/?#]*https?:/i.test(target) ||
        originForm(target) !== target,
      "the host is cut off",
    );
    return path;
  },
});

const retryAfter = fuzzTarget({
  name: "net-retry-after",
  parsers: ["src/sender/retry-after.ts"],
  executions: 500_000,
  maxBytes: 200,
  seeds: () => ["120", "Wed, 21 Oct 2026 07:28:00 GMT", "0", "1.5", "-1"],
  words: ["GMT", "Oct", ":", "9".repeat(40), "Thu, 01 Jan 1970 00:00:00 GMT"],
  parser: retryAfterMsOf,
  broken: (header: string | undefined, unixMs: number) =>
    /^\d{6}/.test(header ?? "")
      ? Number.parseInt(header ?? "", 10) * 1000
      : retryAfterMsOf(header, unixMs),
  check(parser, input) {
    const ms = parser(latin1(input), 1_790_000_000_000);
    must(ms === undefined || (ms >= 0 && ms <= 86_400_000), "a wait is at most a day");
    return ms;
  },
});

const proxies = fuzzTarget({
  name: "net-proxy",
  parsers: ["src/net/proxy.ts", "src/net/no-proxy.ts"],
  executions: 200_000,
  maxBytes: 300,
  seeds: () => [
    "http://user:secret@proxy:3128",
    "proxy:3128",
    "socks5://x",
    "https://[::1]:1",
    "*.example.com, 10.0.0.0/8, [::1]:80",
    "fe80::/10",
  ],
  words: [
    "http://",
    "https://",
    "socks5://",
    "@",
    ":",
    "%",
    "%41",
    "10.0.0.0/8",
    ",",
    "*",
    "::1",
    "/33",
    "xn--",
  ],
  parser: parseProxy,
  broken: (text: string) => {
    const proxy = parseProxy(text);
    return typeof proxy === "string" ? `${proxy} ${text}` : proxy;
  },
  check(parser, input) {
    const text = latin1(input);
    const proxy = parser(text);
    if (typeof proxy === "string") {
      must(text.length < 9 || !proxy.includes(text), "a problem does not quote the text");
    } else {
      must(
        /^https?:\/\//.test(proxy.origin) && !proxy.origin.includes("@"),
        "an origin has no password",
      );
    }
    const isExempt = isExemptFromProxy(text, new URL("http://a.example.com:4318/"));
    try {
      proxyOfEnvironment({ HTTP_PROXY: text }, new URL("http://a.example.com/"));
    } catch (error) {
      must(
        error instanceof Error && /^The environment variable HTTP_PROXY /.test(error.message),
        "the error is for an operator",
      );
    }
    return `${typeof proxy === "string" ? proxy : proxy.origin} ${isExempt}`;
  },
});

const cors = fuzzTarget({
  name: "net-cors",
  parsers: ["src/net/cors.ts"],
  executions: 300_000,
  maxBytes: 300,
  seeds: () => [
    "https://app.example.com",
    "https://evil.example",
    "https://app.example.com.evil.example",
    "null",
  ],
  words: ["https://", ".example.com", "app", "evil", "*", "\r\n", ","],
  parser: createCors,
  broken: (policy: Parameters<typeof createCors>[0]) =>
    createCors({ ...policy, allowed_origins: ["https://*"] }),
  check(parser, input) {
    const text = latin1(input);
    const verdict = parser({
      allowed_origins: ["https://*.example.com"],
      allowed_headers: ["*"],
      exposed_headers: [],
      max_age: 0,
    })("OPTIONS", {
      origin: text,
      "access-control-request-method": "POST",
      "access-control-request-headers": text,
    });
    const permission = verdict.headers["Access-Control-Allow-Origin"];
    must(
      permission === undefined ||
        (permission === text && /^https:\/\/.*\.example\.com$/is.test(text)),
      "only pages of the policy are permitted",
    );
    return JSON.stringify(verdict);
  },
});

const acceptEncoding = fuzzTarget({
  name: "net-accept-encoding",
  parsers: ["src/metrics/scrape.ts"],
  executions: 200_000,
  maxBytes: 200,
  seeds: () => ["gzip", "gzip;q=0", "*;q=0.5, identity", "x-gzip, br"],
  words: ["gzip", "identity", ";q=", "*", ",", "0.5"],
  parser: prefersGzip,
  broken: (header?: string) => prefersGzip(header) || (header ?? "").length === 13,
  check(parser, input) {
    const prefers = parser(latin1(input));
    must(!prefers || /gzip|\*/i.test(latin1(input)), "gzip is for those that ask for it");
    return prefers;
  },
});

export const wireFuzzTargets: readonly FuzzTarget[] = [
  ...inflates,
  contentEncoding,
  grpcMessage,
  firstBytes,
  grpcHeaders,
  hostCheck,
  requestTarget,
  retryAfter,
  proxies,
  cors,
  acceptEncoding,
];

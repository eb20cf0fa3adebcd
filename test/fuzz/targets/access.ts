import { contentOf } from "../../../src/exporters/otlp_http/backend-answer.ts";
import { schema as basicSchema } from "../../../src/extensions/basic_auth/config.ts";
import { createBasicAuth } from "../../../src/extensions/basic_auth/extension.ts";
import { parseHtpasswd } from "../../../src/extensions/basic_auth/htpasswd.ts";
import { schema as bearerSchema } from "../../../src/extensions/bearer_token_auth/config.ts";
import { createBearerTokenAuth } from "../../../src/extensions/bearer_token_auth/extension.ts";
import { partialSuccessOfJson } from "../../../src/otlp/json-response.ts";
import { retryDelayMsOf } from "../../../src/otlp/retry-info.ts";
import { encodeStatus } from "../../../src/otlp/rpc-status.ts";
import { UnusableFile } from "../../../src/serving/watched-file.ts";
import { testSettings } from "../../exporters/settings.ts";
import { type FuzzTarget, fuzzTarget, latin1, must, utf8 } from "../fuzz-target.ts";
import { jsonWords, protobufWords, signals } from "../request-seeds.ts";

const htpasswd = fuzzTarget({
  name: "htpasswd",
  parsers: ["src/extensions/basic_auth/htpasswd.ts"],
  executions: 300_000,
  maxBytes: 1_000,
  seeds: () => [
    "user:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n",
    "# no user\n\na:plain\nb:$2y$10$abcdefghijklmnopqrstuv1234567890123456789012345678901\n",
    "x:$apr1$salt$abcdefghijklmnopqrstuv",
  ],
  words: [":", "\n", "{SHA}", "{SSHA}", "$2y$", "$apr1$", "#", "\r\n"],
  parser: parseHtpasswd,
  broken: (text: string) => {
    try {
      return parseHtpasswd(text);
    } catch {
      throw new UnusableFile(`htpasswd has a bad line: ${text}`);
    }
  },
  check(parser, input) {
    const text = utf8(input);
    try {
      const users = parser(text);
      must(users.size <= text.length, "a user has a line");
      must(
        [...users.keys()].every((user) => user !== "" && !user.includes(":")),
        "users have names",
      );
      return users.size;
    } catch (error) {
      must(error instanceof UnusableFile, "a file that cannot be used is reported");
      must(error.message.length < 200, "no line is quoted");
      return error.message;
    }
  },
});

const { settings } = testSettings("basic_auth");
const basic = createBasicAuth(settings, basicSchema.parse({ htpasswd: { inline: "user:secret" } }));
await basic.start();
const bearer = createBearerTokenAuth(settings, bearerSchema.parse({ token: "0123456789abcdef" }));
await bearer.start();

type Server = NonNullable<NonNullable<typeof basic.authenticator>["server"]>;

/** The header of a request, for both authenticators. */
const authorization = fuzzTarget({
  name: "authorization",
  parsers: [
    "src/extensions/basic_auth/extension.ts",
    "src/extensions/bearer_token_auth/extension.ts",
    "src/extensions/bearer_token_auth/tokens.ts",
  ],
  executions: 60_000,
  maxBytes: 300,
  seeds: () => [
    `Basic ${Buffer.from("user:secret").toString("base64")}`,
    "Bearer 0123456789abcdef",
    "bearer  0123456789abcdef",
    "Basic dXNlcg==",
    "",
  ],
  words: [
    "Basic ",
    "Bearer ",
    "=",
    "==",
    ":",
    " ",
    "0123456789abcdef",
    Buffer.from("user:").toString("base64"),
  ],
  parser: (part: typeof basic): Server => part.authenticator!.server!,
  broken: (part: typeof basic): Server => ({
    ...part.authenticator!.server!,
    authenticate: (headers) =>
      /^bearer 0/i.test(String(headers["authorization"]))
        ? { ok: true, client: "c", account: "" }
        : part.authenticator!.server!.authenticate(headers),
  }),
  async check(parser, input) {
    const value = latin1(input);
    const byPassword = await parser(basic).authenticate({ authorization: value });
    const byToken = await parser(bearer).authenticate({ authorization: value });
    const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value)?.[1] ?? "";
    must(
      !byPassword.ok || Buffer.from(encoded, "base64").toString() === "user:secret",
      "only the user and the password are let in",
    );
    must(!byToken.ok || /^bearer +0123456789abcdef$/i.test(value), "only the token is let in");
    return `${byPassword.ok} ${byToken.ok}`;
  },
});

const answers = [
  '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}',
  '{"partial_success":{"rejected_log_records":1}}',
  "{}",
  Uint8Array.of(0x0a, 0x06, 0x08, 0x03, 0x12, 0x02, 0x6e, 0x6f),
  Uint8Array.of(0x0a, 0x0b, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
];

const backendAnswers = fuzzTarget({
  name: "backend-answers",
  parsers: [
    "src/exporters/otlp_http/backend-answer.ts",
    "src/otlp/json-response.ts",
    "src/otlp/encode.ts",
  ],
  executions: 300_000,
  maxBytes: 600,
  seeds: () => answers,
  words: [
    ...jsonWords,
    ...protobufWords.slice(-12),
    '"partialSuccess":',
    '"rejectedSpans":',
    "-1",
    "1e30",
  ],
  parser: contentOf,
  broken: (signal: (typeof signals)[number], answer: Parameters<typeof contentOf>[1]) => {
    const content = contentOf(signal, answer);
    return content.isValid && content.rejected > 0
      ? { ...content, rejected: -content.rejected }
      : content;
  },
  check(parser, input) {
    let seen = "";
    for (const signal of signals) {
      for (const contentType of ["application/json", "application/x-protobuf"]) {
        const content = parser(signal, { kind: "whole", contentType, bytes: input });
        must(
          !content.isValid || (Number.isInteger(content.rejected) && content.rejected >= 0),
          "a backend rejects a number of items",
        );
        must(content.isValid || content.reason.length < 100, "a reason has no text of the backend");
        seen += content.isValid ? ` ${content.rejected}` : ` ${content.reason}`;
      }
      partialSuccessOfJson(signal, input);
    }
    return seen;
  },
});

const retryInfo = fuzzTarget({
  name: "retry-info",
  parsers: ["src/otlp/retry-info.ts"],
  executions: 400_000,
  maxBytes: 400,
  seeds: () =>
    [0, 1_500, 86_400_000].map((delayMs) =>
      encodeStatus("protobuf", {
        code: 14,
        message: "later",
        details: [{ kind: "retry_info", delayMs }],
      }),
    ),
  words: [
    "type.googleapis.com/google.rpc.RetryInfo",
    Uint8Array.of(0x0a, 0x02, 0x08, 0x01),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
  ],
  parser: retryDelayMsOf,
  broken: (status: Uint8Array) => {
    const delayMs = retryDelayMsOf(status);
    return delayMs === 1_500 || delayMs === undefined || delayMs === 86_400_000
      ? delayMs
      : delayMs - 5_000;
  },
  check(parser, input) {
    const delayMs = parser(input);
    must(
      delayMs === undefined || (delayMs >= 0 && delayMs <= 86_400_000),
      "a wait is at most a day",
    );
    return delayMs;
  },
});

export const accessFuzzTargets: readonly FuzzTarget[] = [
  htpasswd,
  authorization,
  backendAnswers,
  retryInfo,
];

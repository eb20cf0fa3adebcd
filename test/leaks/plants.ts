/**
 * Leaks that are planted in the collector, to show that each is found: most in what its runtime writes, so that they stay planted when the
 * code around them changes, and some as mistakes in the code itself.
 */

/** A leak of the id that a sender has sent last, in one channel. */
export interface Plant {
  /** Stands before the leaked id. */
  readonly name: string;
  /** One of the channels in which it is found. */
  readonly channel: string;
  readonly encoding: keyof typeof encoders;
  readonly where: "stderr" | "stdout" | "answer" | "page" | "metrics page" | "call" | "files";
}

export const encoders = {
  plain: (text) => text,
  base64: (text) => Buffer.from(`id=${text}`).toString("base64"),
  hex: (text) => Buffer.from(text).toString("hex"),
  percent: (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join(""),
  escapes: (text) =>
    [...text].map((letter) => `\\u00${letter.charCodeAt(0).toString(16)}`).join(""),
  reversed: (text) => [...text].reverse().join(""),
  part: (text) => text.slice(-9),
  lines: (text) => text.replaceAll(/(.{5})/g, "$1\n"),
} as const satisfies Record<string, (text: string) => string>;

export const plants: readonly Plant[] = [
  { name: "plant-log", channel: "log", encoding: "plain", where: "stderr" },
  { name: "plant-log-in-base64", channel: "log", encoding: "base64", where: "stderr" },
  { name: "plant-stdout", channel: "stdout", encoding: "hex", where: "stdout" },
  { name: "plant-answer", channel: "answers over HTTP", encoding: "percent", where: "answer" },
  { name: "plant-call", channel: "answers over gRPC", encoding: "plain", where: "call" },
  { name: "plant-page", channel: "pages of health", encoding: "escapes", where: "page" },
  { name: "plant-answer-of-a-page", channel: "answers of pages", encoding: "part", where: "page" },
  {
    name: "plant-label",
    channel: "page of derived metrics",
    encoding: "plain",
    where: "metrics page",
  },
  {
    name: "plant-own-label",
    channel: "page of the collector's metrics",
    encoding: "reversed",
    where: "metrics page",
  },
  {
    name: "plant-state",
    channel: "storage of processor_session_activity",
    encoding: "hex",
    where: "files",
  },
  {
    name: "plant-offsets",
    channel: "storage of receiver_otlp_json_file",
    encoding: "base64",
    where: "files",
  },
  { name: "plant-recording", channel: "recording", encoding: "percent", where: "files" },
  { name: "plant-file", channel: "files of derived data", encoding: "lines", where: "files" },
];

/** A mistake in the code, as an edit. */
export interface Mistake {
  readonly name: string;
  readonly channels: readonly string[];
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** The last id that a sender has sent in a header, where the collector's code finds it. */
const lastId = "String(globalThis.lastId ?? '')";

export const mistakes: readonly Mistake[] = [
  {
    name: "an attribute of events",
    channels: ["derived over HTTP", "derived over gRPC", "files of derived data", "stdout"],
    file: "src/otlp/encode.ts",
    find: "keyValues(event.attributes)",
    replace: `keyValues({ ...event.attributes, "planted.event": ${lastId} })`,
  },
  {
    name: "an attribute of closing spans",
    channels: ["derived over HTTP"],
    file: "src/otlp/encode.ts",
    find: "keyValues(span.attributes)",
    replace: `keyValues({ ...span.attributes, "planted.span": ${lastId} })`,
  },
  {
    name: "ids for labels on the page of senders' metrics",
    channels: ["ids on the page of senders' metrics"],
    file: "src/exporters/prometheus/id-like.ts",
    find: "const kind = keyKindOf(key);",
    replace:
      'if (key !== "") return { reason: undefined, exceptFor: nothing, values: "infrastructure" };\n  const kind = keyKindOf(key);',
  },
  {
    name: "a field of every log line",
    channels: ["log"],
    file: "src/service/logger.ts",
    find: "target[level](fields, message);",
    replace: `target[level]({ ...fields, planted_field: ${lastId} }, message);`,
  },
];

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config's own dollar-brace notation is the subject here.
import { loadConfig } from "../../../src/config/load.ts";
import {
  formatByteSize,
  formatDuration,
  parseByteSize,
  parseDuration,
} from "../../../src/config/quantity.ts";
import { splitReferences } from "../../../src/config/reference.ts";
import { serverEndpoint } from "../../../src/config/server-endpoint.ts";
import { parseEndpoint } from "../../../src/config/written-endpoint.ts";
import { textOf } from "../../support/repository.ts";
import { type FuzzTarget, fuzzTarget, must, utf8 } from "../fuzz-target.ts";

const yaml = [
  "receivers:\n  otlp:\n    protocols: {http: {endpoint: '${env:HOST:-127.0.0.1}:4318'}}\n",
  "a: &x [1, 2]\nb: *x\n<<: {c: 1}\n",
  "a: !!binary aGk=\nb: |\n  text\nc: >-\n  folded\n---\nd: 1\n",
  "service:\n  pipelines:\n    traces:\n      receivers: [otlp]\n",
];

const configText = fuzzTarget({
  name: "config-text",
  parsers: [
    "src/config/load.ts",
    "src/config/yaml-tree.ts",
    "src/config/expand.ts",
    "src/config/merge-nodes.ts",
    "src/config/read-text.ts",
    "src/config/bare-variable.ts",
    "src/config/reference.ts",
  ],
  executions: 60_000,
  maxBytes: 1_500,
  seeds: () => [...yaml, textOf("deploy/config.yaml").slice(0, 1_400)],
  words: [
    "${env:",
    "${",
    "}",
    "$$",
    ":-",
    "&a ",
    "*a",
    "<<: ",
    "!!",
    "---\n",
    "- ",
    "  ",
    "\t",
    "{",
    "[",
    "]",
    "|",
    ">",
    "'",
    '"',
    "null",
    "__proto__: 1\n",
    "? ",
    "%YAML",
    "\u0000",
    "${env:A}",
    "${env:LOOP}",
  ],
  parser: loadConfig,
  broken: (sources, environment) => {
    const loaded = loadConfig(sources, environment);
    return { ...loaded, problems: loaded.root === undefined ? [] : loaded.problems };
  },
  check(parser, input) {
    // References to files would read files; those have tests of their own.
    const text = utf8(input).replaceAll(/file:/gi, "env:");
    const environment = { CONFIG: text, A: "b: ${env:B}", B: "1", LOOP: "${env:LOOP}" };
    const { root, problems } = parser(["env:CONFIG"], environment);
    must(root !== undefined || problems.length > 0, "a config that cannot be used has a problem");
    must(
      problems.every(({ message }) => message.length < 2_000),
      "problems are short",
    );
    must(problems.length <= input.length + 10, "problems are in proportion to the text");
    return `${root?.entries.size} ${problems.map(({ message }) => message).join()}`;
  },
});

const quantities = fuzzTarget({
  name: "config-quantities",
  parsers: ["src/config/quantity.ts"],
  executions: 300_000,
  maxBytes: 200,
  seeds: () => ["10s", "1h30m", "1.5s", "100us", "4MiB", "512 KB", ".5h", "9007199254740991ns"],
  words: ["ns", "µs", "ms", "h", "MiB", "KB", ".", "-", "e9", " "],
  parser: parseDuration,
  broken: (text: string) => {
    const parsed = parseDuration(text);
    return parsed.ok && text.includes(".")
      ? { ok: true as const, value: parsed.value + 0.25 }
      : parsed;
  },
  check(parser, input) {
    const text = utf8(input);
    const duration = parser(text);
    const size = parseByteSize(text);
    if (duration.ok) {
      must(duration.value >= 0 && Number.isFinite(duration.value), "a duration is a number");
      must(parseDuration(text).ok, "it is read the same again");
      const again = parseDuration(formatDuration(duration.value));
      const isExact = duration.value < 2 ** 31;
      must(
        !isExact ||
          (again.ok && Math.abs(again.value - duration.value) < 1e-6 * Math.max(1, duration.value)),
        "what is written is read back",
      );
      const plain = /^(\d{1,6})\.(\d{1,3})s$/.exec(text);
      must(
        plain === null || Math.abs(duration.value - 1_000 * Number(text.slice(0, -1))) < 0.01,
        "seconds are seconds",
      );
    }
    if (size.ok) {
      const again = parseByteSize(formatByteSize(size.value));
      must(
        Number.isSafeInteger(size.value) && again.ok && again.value === size.value,
        "a size is whole and read back",
      );
    }
    const message = `${duration.ok ? duration.value : duration.message} ${size.ok ? size.value : size.message}`;
    must(message.length < 1_500, "a problem is short");
    return message;
  },
});

const endpoints = fuzzTarget({
  name: "config-endpoints",
  parsers: ["src/config/written-endpoint.ts", "src/config/server-endpoint.ts"],
  executions: 300_000,
  maxBytes: 500,
  seeds: () => [
    "127.0.0.1:4318",
    "[::1]:4318",
    "localhost",
    ":4318",
    "http://a:b@host:1/x",
    "::1:4318",
    "${HOST}:1",
    "a b:1",
  ],
  words: [":", "[", "]", "65536", "://", "@", "/", " ", "%eth0", "${A}"],
  parser: parseEndpoint,
  broken: (text: string) => {
    const match = /^(.*):(\d+)$/s.exec(text);
    return match === null ? parseEndpoint(text) : { host: match[1] ?? "", port: Number(match[2]) };
  },
  check(parser, input) {
    const endpoint = parser(utf8(input));
    const listened = serverEndpoint().safeParse(utf8(input));
    must(
      (listened.error?.issues ?? []).every(({ message }) => message.length < 4_000),
      "a problem of a server's endpoint is short",
    );
    if (typeof endpoint === "string") {
      must(endpoint.length < 4_000, "a problem is short");
      return endpoint;
    }
    must(
      endpoint.port >= 0 && endpoint.port <= 65_535 && endpoint.host !== "",
      "an endpoint has a host and a port",
    );
    must(!/[\s/@]/.test(endpoint.host), "a host has no blanks");
    return `${endpoint.host} ${endpoint.port}`;
  },
});

const references = fuzzTarget({
  name: "config-references",
  parsers: ["src/config/reference.ts"],
  executions: 300_000,
  maxBytes: 500,
  seeds: () => ["${env:A}", "$${A}", "a${b${c}}d", "$", "${a{b}c}"],
  words: ["${", "}", "$$", "{", "$"],
  parser: splitReferences,
  broken: (text: string) => splitReferences(text.replace("}}", "}")),
  check(parser, input) {
    const text = utf8(input);
    const split = parser(text);
    if (!split.ok) {
      must(/\$\{/.test(text), "only a reference can be wrong");
      return split.message;
    }
    const written = (parts: typeof split.parts): string =>
      parts
        .map((part) =>
          typeof part === "string" ? part.replaceAll("$", "$$$$") : `\${${written(part.inside)}}`,
        )
        .join("");
    const flat = (of: string) => of.replaceAll("$$", "$");
    must(flat(written(split.parts)) === flat(text), "nothing of the text is lost");
    return JSON.stringify(split.parts);
  },
});

export const configFuzzTargets: readonly FuzzTarget[] = [
  configText,
  quantities,
  endpoints,
  references,
];

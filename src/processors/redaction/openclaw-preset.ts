import { isIdInsteadOfName } from "../../metrics/id-shape.ts";
import { isIdName } from "./id-names.ts";
import { LinearRegex } from "./linear-regex.ts";
import { everywhere } from "./redaction-places.ts";
import type { RedactionRule } from "./redaction-rule.ts";
import { isSecretName, isTokenName } from "./secret-names.ts";

/** Command lines contain tokens and prompts. */
const commandLines = new Set(["process.command_args", "process.command_line"]);

const longestEnding = 32;
/** Names of tools and channels, which stay, unless a sender has put an id there. */
const names = /(?:^|[._-])(?:tool[._-]?name|channel(?:[._-]?name)?)$/i;
/** What a model counts, as in the attribute `openclaw.token` of OpenClaw's metrics. */
const tokenKinds = new LinearRegex(
  "^(?i:total|(?:input|output|prompt|completion|reasoning|thoughts?|tool|text|audio|image|context)(?:[._ -]?tokens?)?|cached?(?:[._ -]?(?:read|write|creation|input|output))?)$",
);

/** What OpenClaw and other agents send that names a session, a person or a secret. Hashes are the same for the same value, so what belongs together can still be found. */
export const openclawRules: readonly RedactionRule[] = [
  {
    name: "openclaw/ids",
    action: "hash",
    places: everywhere,
    matchesKey: isIdName,
  },
  {
    name: "openclaw/command_lines",
    action: "delete",
    places: everywhere,
    matchesKey: (key) => commandLines.has(key),
  },
  {
    name: "openclaw/token_kinds",
    action: "keep",
    places: everywhere,
    matchesKey: isTokenName,
    values: { kinds: [], patterns: [tokenKinds] },
  },
  {
    name: "openclaw/secret_keys",
    action: "mask",
    places: everywhere,
    matchesKey: isSecretName,
  },
  {
    name: "openclaw/session_keys",
    action: "hash",
    places: everywhere,
    values: { kinds: ["session_key"], patterns: [] },
  },
  {
    name: "openclaw/secrets",
    action: "mask",
    places: everywhere,
    values: { kinds: ["secret"], patterns: [] },
  },
  {
    name: "openclaw/emails",
    action: "mask",
    places: everywhere,
    values: { kinds: ["email"], patterns: [] },
  },
  {
    name: "openclaw/names",
    action: "hash",
    places: everywhere,
    matchesKey: (key) => names.test(key.slice(-longestEnding)),
    values: { kinds: [], patterns: [], isOne: isIdInsteadOfName },
  },
];

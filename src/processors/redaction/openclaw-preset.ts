import { isIdInsteadOfName } from "../../metrics/id-shape.ts";
import { LinearRegex } from "./linear-regex.ts";
import { everywhere } from "./redaction-places.ts";
import type { RedactionRule } from "./redaction-rule.ts";
import { isSecretName, isTokenName } from "./secret-names.ts";

/**
 * What keys end with, without separators, that name a session, a run, a call, a message or a person: `openclaw.sessionKey`,
 * `gen_ai.tool.call.id`, `langsmith.metadata.thread_id`. Keys of every framework whose sessions `session_activity` recognizes are among them.
 */
const idEndings = [
  "sessionkey",
  "sessionid",
  "sessionuuid",
  "sessionpreviousid",
  "previoussessionid",
  "conversationid",
  "threadid",
  "runid",
  "turnid",
  "callid",
  "tooluseid",
  "invocationid",
  "submissionid",
  "chatid",
  "messageid",
  "messageuuid",
  "promptid",
  "responseid",
  "userid",
  "username",
  "useremail",
  "userfullname",
  "userhash",
  "senderid",
  "recipientid",
  "peerid",
  "contactid",
  "phonenumber",
];
/** These end so and are none: the number of a thread of the operating system. */
const notIds = new Set(["thread.id"]);
/** Names of people that an agent's host knows, and command lines, which contain tokens and prompts. */
const owners = new Set(["process.owner"]);
const commandLines = new Set(["process.command_args", "process.command_line"]);

const longestEnding = 32;
/** Names of tools and channels, which stay, unless a sender has put an id there. */
const names = /(?:^|[._-])(?:tool[._-]?name|channel(?:[._-]?name)?)$/i;
/** What a model counts, as in the attribute `openclaw.token` of OpenClaw's metrics. */
const tokenKinds = new LinearRegex(
  "^(?i:total|(?:input|output|prompt|completion|reasoning|thoughts?|tool|text|audio|image|context)(?:[._ -]?tokens?)?|cached?(?:[._ -]?(?:read|write|creation|input|output))?)$",
);

/** Whether a key names a session, a run, a call, a message or a person. */
export function isIdName(key: string): boolean {
  const written = key.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  return !notIds.has(key) && idEndings.some((ending) => written.endsWith(ending));
}

/** What OpenClaw and other agents send that names a session, a person or a secret. Hashes are the same for the same value, so what belongs together can still be found. */
export const openclawRules: readonly RedactionRule[] = [
  {
    name: "openclaw/ids",
    action: "hash",
    places: everywhere,
    matchesKey: (key) => isIdName(key) || owners.has(key),
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

import { keyKindOf, wordsOf } from "./id-key.ts";

/**
 * Which texts name one session, message or person by their form, or contain a secret. Such a text must be in no label and in no line of our log, whatever it is
 * the value of. A part of the text is enough: an error message quotes a key in the middle of a sentence.
 */

// Senders choose the texts: every pattern takes time in proportion to their length.

const uuid = /[0-9a-f]{8}[-_ ]?[0-9a-f]{4}[-_ ]?[0-9a-f]{4}[-_ ]?[0-9a-f]{4}[-_ ]?[0-9a-f]{12}/i;
/** Trace ids, span ids, hashes. */
const longHex = /(?<![0-9a-z])[0-9a-f]{16,}(?![0-9a-z])/i;
/** Ids of messengers and snowflakes. */
const longNumber = /(?<![0-9.])[0-9]{9,}(?![0-9.])/;
/** What a value begins with: neither the end of a sentence, nor a placeholder as in `agent:<id>` and `session:{key}`. */
const begun = String.raw`[^\s{<*$%,;.?)\]}"'\x60|]`;
/** Session keys of OpenClaw anywhere in a text: `session:agent:main:…`, `session=main`, `"session":"main"`. */
const sessionKey = new RegExp(
  `(?<![a-z0-9])(?:(?:agent|subagent|sess):|session["']?[:=]["']?)${begun}`,
  "i",
);
/** Other ids with their names: `runId=x`, `session_key: x`, `"session.id":"x"`. */
const namedId = new RegExp(
  String.raw`(?:session|conversation|thread|run|turn|trace|span|call|chat|message|msg|request|response|user)[ ._-]?(?:id|key|uuid|ref)["']?\s{0,2}[:=]\s{0,2}["']?${begun}`,
  "i",
);
/** Addresses: mail, and ids of messengers such as 49123@s.whatsapp.net or !room:matrix.org. */
const address = /[^\s@]@[^\s@]+\.[a-z]{2,}|[@!#][^\s:@!#]+:[a-z0-9-]+\.[a-z]{2,}/i;

/** A key with its value: `session_id=x`, `"user": "x"`, `api_key: x`. */
const pair = new RegExp(
  String.raw`(?<![\w.-])(["']?)([a-z_][\w.-]{0,63})(["']?\s{0,2}[:=]\s{0,2})["']?${begun}`,
  "gi",
);
/** An option of a command: `--session-id x`, also as items of a list. */
const flag = new RegExp(
  String.raw`(?<![\w-])--?([a-z][\w-]{0,63})["']?[\s,=]{1,3}["']?${begun}`,
  "gi",
);
/** Texts with more of them are not looked through. */
const maxPairs = 128;
/** A query with a value that is no placeholder, and the name or password of a user. */
const urlParts = new RegExp(
  String.raw`[?&][^\s?&=#/]{1,64}=${begun}|://[^\s?]{0,256}\?[^\s=]|://[^\s/@]{1,256}@|(?<![\w.-])[\w.-]{1,64}:[^\s@/]{1,64}@(?!sha256:)`,
  "i",
);
/** Credentials of HTTP, and keys by the prefixes that issuers give them. */
const credential =
  /(?<![a-z0-9])(?:bearer\s{1,2}(?!(?:auth|token|scheme|error|credential)[a-z]*(?![\w.-]))[\w+/.~=-]{4}|(?:sk|pk|rk)[-_](?:live|test|proj|ant|or|svcacct)[-_]|gh[pousr]_[a-z0-9]|github_pat_|glpat-|xox[abeoprs]-|akia[0-9a-z]{4}|eyj[\w-]{8})|-----begin/i;
const basicCredential =
  /(?<![A-Za-z0-9])[Bb]asic\s{1,2}(?=[A-Za-z0-9+/]{0,64}(?:[0-9=]|[a-z][A-Z]))[A-Za-z0-9+/=]{4}/;
/** Telephone numbers in groups, and the times that are ids of messages in Slack. */
const phone =
  /\+[0-9](?:[ ()./-]{0,3}[0-9]){7,14}(?![0-9])|(?<![\w.-])(?:\(?0[1-9][0-9]{1,4}\)?[ /-][0-9]{3}[0-9 -]{3}|\(?[0-9]{3}\)?[-. ]{1,2}[0-9]{3}[-. ][0-9]{4}(?![\w.-]))/;
const messageTime = /(?<![0-9.])[0-9]{10}\.[0-9]{6}(?![0-9])/;
/** What comes after the name of a collection in a path. */
const pathSegment = /\/(?:sessions?|conversations?|runs?|threads?|users)\/[^\s/{:<*?]/i;

const prefixes =
  `session|sess|subagent|run|turn|call|toolcall|toolu|msg|conv|conversation|trace|span|req|resp|chatcmpl|cmpl|asst|
evt|wamid`.replaceAll(/\s/g, "");
/** After a hyphen these are parts of ordinary names: `deepseek-chat-v3`, `pool-1-thread-2`. */
const namingPrefixes = "chat|message|thread|user|fc";
/** What a number is that is no id: a version, a class of status codes, a percentile, a time. */
const ordinary =
  "(?:v[0-9]{1,2}(?:(?:alpha|beta)[0-9]{1,2})?|[1-5]xx|p[0-9]{2,4}|[0-9]{1,3}(?:ms|s|m|min|h))(?![a-z0-9])";
/** `call_1`, `run=42`, `req-a7`, `call_a`, `run.42`, `runs/42`. The letter s alone is a second: `req_s`. */
const numbered = new RegExp(
  String.raw`(?:(?<![a-z0-9])(?:${prefixes})|(?<![a-z0-9-])(?:${namingPrefixes}))(?:[-_:#=](?!${ordinary})(?:[a-rt-z](?![a-z0-9])|[a-z]{0,64}[0-9])|(?:\.|s?/)[0-9]+(?![a-z0-9.]))`,
  "i",
);
/** The same where names have such parts by nature: alone between other characters than those of names. */
const numberedAlone = new RegExp(
  `(?<![a-z0-9_.-])(?:${prefixes}|${namingPrefixes})[-_:#=](?=[a-z]*[0-9])[a-z0-9]{1,64}(?![a-z0-9_-])`,
  "i",
);
/** `call_Qx2…`, as providers make them. */
const prefixed = new RegExp(
  `(?<![a-z0-9])(?:chatcmpl|toolu|wamid)[-_.:=][a-z0-9]{2}|(?<![a-z0-9])(?:${prefixes}|thread|fc)[-_.](?=[a-z_-]{0,64}[0-9])[a-z0-9_-]{8}`,
  "i",
);
const words = /[A-Za-z0-9_-]{10,}/g;
const lettersAndDigits = /[A-Za-z0-9]{20,}/g;
/** No word has so many in a row, but a random text with only one digit may. */
const consonants = /[b-df-hj-np-tv-z]{8}/i;

/** Whether a text, such as the name of a metric, contains what looks like a generated id. */
export function hasIdShape(text: string): boolean {
  return readingsOf(text).some(
    (reading) => namesOne(reading) || numbered.test(reading) || isGenerated(reading),
  );
}

/**
 * Whether a text names a session, a message or a person by its form. For texts that contain other ids by nature, such as the name of a
 * machine or a pod.
 */
export function namesASession(text: string): boolean {
  return readingsOf(text).some((reading) => namesOne(reading) || numberedAlone.test(reading));
}

/** Whether a path or URL names a session by its place: `/sessions/main`. */
export function hasIdInPath(text: string): boolean {
  return readingsOf(text).some((reading) => pathSegment.test(reading));
}

function namesOne(text: string): boolean {
  return (
    sessionKey.test(text) ||
    namedId.test(text) ||
    address.test(text) ||
    prefixed.test(text) ||
    urlParts.test(text) ||
    credential.test(text) ||
    basicCredential.test(text) ||
    hasIdPair(text)
  );
}

/** In prose, a colon follows a word as such: `user: the name`. */
function hasIdPair(text: string): boolean {
  if (!/[:=]|--?[a-z]/i.test(text)) {
    return false;
  }
  let count = 0;
  for (const [, quote, key = "", separator = ""] of text.matchAll(pair)) {
    const kind = keyKindOf(key);
    if (quote !== "" && /^ids?$/i.test(key)) {
      return true; // As a label it may be anything's. In a text it is that of what the text is about.
    }
    const isExplicit = quote !== "" || separator.includes("=") || wordsOf(key).length > 1;
    count += 1;
    if (count > maxPairs || (kind !== undefined && (isExplicit || isSecretWord(key)))) {
      return true;
    }
  }
  for (const [, key = ""] of text.matchAll(flag)) {
    count += 1;
    if (count > maxPairs || keyKindOf(key) !== undefined) {
      return true;
    }
  }
  return false;
}

function isSecretWord(key: string): boolean {
  return keyKindOf(key) === "secret" && !/^tokens?$/i.test(key);
}

function isGenerated(text: string): boolean {
  return (
    uuid.test(text) ||
    longHex.test(text) ||
    longNumber.test(text) ||
    phone.test(text) ||
    messageTime.test(text) ||
    (text.match(lettersAndDigits) ?? []).some(
      (each) =>
        (/[0-9].*[0-9]/.test(each) && /[A-Za-z]/.test(each)) ||
        (/[0-9]/.test(each) && consonants.test(each)),
    ) ||
    (text.match(words) ?? []).some((each) => changes(each) >= 5)
  );
}

/** `call_` and the like before what has a digit, as providers number tool calls. Tools have names like `call_subagent` and `run_python3`. */
const callId =
  /(?<![a-z0-9])(?:(?:call|fc|toolcall|toolu|chatcmpl|cmpl|wamid)[-_](?=[a-z_-]*[0-9])[a-z0-9_-]{8}|(?:msg|resp|req|run|thread|conv|asst|evt)[-_](?=[a-z]*[0-9])[a-z0-9]{12})/i;
const manyDigits = /[0-9]{9}/;

/**
 * Whether a text that could be the name of a tool or a channel is an id or a secret by its form. Less is one than in other texts: such names have
 * numbers and words like `run` and `message` by nature. A date of eight digits, as in the names of versions, is none.
 */
export function isIdInsteadOfName(text: string): boolean {
  return (
    sessionKey.test(text) ||
    callId.test(text) ||
    credential.test(text) ||
    uuid.test(text) ||
    longHex.test(text) ||
    manyDigits.test(text) ||
    (text.match(lettersAndDigits) ?? []).some((each) => changes(each) >= 3) ||
    (text.match(words) ?? []).some((each) => changes(each) >= 5)
  );
}

/** The text, and what it says without the escapes of URLs (also twice) and of JSON, which hide a key or join it to a letter. */
function readingsOf(text: string): readonly string[] {
  if (!/[%\\]/.test(text)) {
    return [text];
  }
  const character = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16));
  return [
    text,
    text
      .replaceAll(/%(?:25){0,4}([2-7][0-9a-f])/gi, character)
      .replaceAll(/\\{1,8}u00([2-7][0-9a-f])/gi, character)
      .replaceAll(/\\{1,8}["'/]/g, '"')
      .replaceAll(/\\{1,8}[nrtbf]/g, " "),
  ];
}

/** How often a letter and a digit are side by side: often in a random text, rarely in a name. */
function changes(text: string): number {
  return text.match(/(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]/g)?.length ?? 0;
}

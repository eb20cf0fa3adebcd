/**
 * Which keys belong to one session, run, message or person, or to a secret. What is not known to be harmless is not: a key with such a
 * subject is one of these unless its last word says that it only describes the subject, as in `session.state`.
 */

export type KeyKind = "id" | "secret";

const setOf = (words: string) => new Set(words.trim().split(/\s+/));

/** Last words of keys whose values are few, whatever they describe. */
const qualities = setOf(`
  type kind state status mode phase outcome result reason class category level priority source origin transport protocol method scheme policy
  version model provider operation action direction format unit size count limit length duration bucket interval enabled active persistent
  present verified authenticated purpose algorithm tier plan role language region zone platform daemon pool attempt attempts retry retries
  temporality decision resolution trigger strategy stage lifecycle health visibility variant mechanism encoding feature capability channel
  stack`);

/** `code` is one of them after these: a code of a session or a person is not. */
const codes = setOf("status error exit reason result language country substatus");

/** What belongs to one of these is different for each session, run or person. */
const subjects = setOf(`
  session subsession sess sid conversation convo conv chat dialog thread run turn trace correlation room user username enduser login nickname
  sender recipient contact member participant customer visitor caller callee email mail phone telephone msisdn jid iban ssn imei traceparent
  tracestate baggage`);

/** Those of them by which telemetry is joined, and those that are counted, too. */
const traceWords = setOf("trace span traceparent tracestate");
const workWords = setOf("run turn correlation");

/** The same, except of machines, processes and deployments, which have accounts of their own. */
const accounts = setOf("account");

/** Words for an id. A key that has one is left out, unless it is the id of something that a person configured. */
const idWords = setOf("id identifier uuid guid uid ulid pk hash ts cid rid mid");
/** Those of them that are also of contents, and times. */
const notNames = setOf("hash ts");
const configured = setOf(`
  agent harness model provider plugin partition engine skill tool schema policy rule feature flag template locale region zone cluster node
  datacenter pool shard queue worker cpu core device gpu disk sensor vendor product app category experiment variant source tenant org
  organization team project workspace environment site store client build hw`);

/** What happens once. Its ids are ids of a session's work, also where ids are meant as labels. */
const happenings = setOf(
  "invocation execution request response message msg call toolcall use event transaction interaction delivery span prompt completion generation approval",
);
/** What makes these an id, beside {@link idWords}. */
const references = setOf("ref handle");

/** A key that ends with one of these is an id, or a text of a person. */
const lastWords = setOf(
  `message msg span peer prompt completion transcript argument instruction key querystring`,
);

const secrets = setOf(`
  password passwd pwd passphrase passcode otp secret credential cred authorization cookie bearer jwt apikey token nonce signature dsn connstr
  csrf xsrf`);
/** Parts of words that are written together: `dbpassword`, `accesstoken`. */
const secretPart =
  /passw(?:or)?d|secret|credential|cookie|connstr|(?:api|access|private|auth|signing|encryption)(?:key|token)/;
/** What makes a key a secret one. */
const secretKeys = setOf(
  "api access private secret signing encryption ssh account storage license subscription auth master shared host",
);

/** Written together: `sessionid`, `toolcallid`. */
const together =
  /session|conversation|sessid$|^(?:tool)?(?:call|run|turn|trace|span|thread|chat|message|msg|request|response|user|event)(?:id|key|ref|uuid|name|token|identifier)$/;
/** These have such a word and mean none: `user_agent`, `gcp.cloud_run`, `thread.name` and `span.name`. */
const compounds = /\b(?:user agent|cloud run|dry run|thread (?:name|pool)|span name)\b/g;

/** Attributes of these name a machine, a process or a deployment; those have ids that are meant as labels. */
const infrastructure =
  /^(?:k8s|host|container|service|cloud|os|process|telemetry|deployment|faas|aws|gcp|azure|device|vcs|cicd|cloudfoundry|heroku|openshift|zos|mainframe|oci|hw)\./;

/** Whether attributes with this key have ids that are meant as labels. */
export function isInfrastructureKey(key: string): boolean {
  return infrastructure.test(key);
}

/** What a value of this key belongs to; undefined if the key says nothing. */
export function keyKindOf(key: string): KeyKind | undefined {
  const words = wordsOf(key);
  if (describes(words)) {
    return undefined;
  }
  if (isSecret(words)) {
    return "secret";
  }
  return isId(words, isInfrastructureKey(key)) ? "id" : undefined;
}

/** What a word stands for: a session or a person, a run or a turn, what happens in one, an id, or a trace. */
export type NamePart = "subject" | "work" | "happening" | "id" | "trace";

/** What a word of a key stands for, if it can make the key one of an id. */
export function namePartOf(word: string): NamePart | undefined {
  if (traceWords.has(word)) {
    return "trace";
  }
  if (workWords.has(word)) {
    return "work";
  }
  if (subjects.has(word) || accounts.has(word)) {
    return "subject";
  }
  if (happenings.has(word)) {
    return "happening";
  }
  return idWords.has(word) && !notNames.has(word) ? "id" : undefined;
}

/** The words of a key in any spelling, in lower case and the singular: `toolCallIDs` is `tool call id`. */
export function wordsOf(key: string): readonly string[] {
  return key
    .replaceAll(/(?<=[a-z0-9])I[Dd]s?(?![a-z])/g, " id ")
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .replaceAll(/[^a-z]+/g, " ")
    .trim()
    .replaceAll(compounds, "")
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => (/\w[^s]s$/.test(word) && !/(?:us|is)$/.test(word) ? word.slice(0, -1) : word));
}

function describes(words: readonly string[]): boolean {
  const last = words.at(-1) ?? "";
  const before = words.at(-2) ?? "";
  return words.length > 1 && (qualities.has(last) || (last === "code" && codes.has(before)));
}

function isSecret(words: readonly string[]): boolean {
  const last = words.at(-1);
  return (
    last === "auth" ||
    words.some((word, index) => {
      const before = words[index - 1] ?? "";
      return (
        secrets.has(word) ||
        secretPart.test(word) ||
        (word === "key" && secretKeys.has(before)) ||
        (word === "string" && before === "connection") ||
        (word === "header" && index === words.length - 1)
      );
    })
  );
}

function isId(words: readonly string[], isInfrastructure: boolean): boolean {
  const last = words.at(-1) ?? "";
  const [first, second] = words;
  if (first === "url" && (second === "query" || second === "fragment")) {
    return true;
  }
  if (lastWords.has(last) && (words.length > 1 || last !== "key")) {
    return true;
  }
  return words.some((word, index) => {
    const before = words[index - 1] ?? "";
    if (subjects.has(word) || together.test(word) || (accounts.has(word) && !isInfrastructure)) {
      return true;
    }
    if (happenings.has(before) && references.has(word)) {
      return true;
    }
    if (!idWords.has(word)) {
      return false;
    }
    return isInfrastructure ? happenings.has(before) : !configured.has(before) && words.length > 1;
  });
}

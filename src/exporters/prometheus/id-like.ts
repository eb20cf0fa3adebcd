/**
 * Which attributes name one session, run, message or person. Such an attribute never becomes a label: it would put an id on a page
 * without access control, and give every session series of its own.
 */

/** A closed list, fit for a label. */
export type IdReason = "id_key" | "id_value" | "command_line";

/** Words that make a subject an id: `session.id`, `runId`, `message_uuid`. */
const idWords = new Set(["id", "ids", "uuid", "guid", "uid", "key", "ref", "hash"]);

/** What an id or key of this belongs to one session, run, call, message or person. */
const subjects = new Set(
  `session conversation thread run turn trace span parent call toolcall chat message msg request response invocation execution task job
   step event correlation transaction prompt completion generation user enduser sender recipient peer account contact channel member
   participant approval dialog interaction delivery update`.split(/\s+/),
);

/** The same, written as one word. */
const idNames = new Set(
  `sessionid sessionkey sessionref runid turnid traceid spanid parentid threadid conversationid chatid messageid toolcallid callid
   requestid responseid userid traceparent tracestate baggage msisdn`.split(/\s+/),
);

/** Words that mean an id, or a text of a person, when a key ends with them. */
const lastWords = new Set(
  `session conversation chat run trace message sender recipient jid phone email`.split(" "),
);

/** Attributes whose values can contain secrets and prompts. */
const commandLines = new Set(["process.command_args", "process.command_line", "process.command"]);

/** Attributes of these name a machine, a process or a deployment; those have ids that are meant as labels. */
const infrastructure =
  /^(?:k8s|host|container|service|cloud|os|process|telemetry|deployment|faas|aws|gcp|azure|device|vcs)\./;

const uuid = /[0-9a-f]{8}[-_ ]?[0-9a-f]{4}[-_ ]?[0-9a-f]{4}[-_ ]?[0-9a-f]{4}[-_ ]?[0-9a-f]{12}/i;
/** Trace ids, span ids, hashes. */
const longHex = /(?<![0-9a-z])[0-9a-f]{16,}(?![0-9a-z])/i;
/** Ids of messengers and snowflakes. */
const longNumber = /(?<![0-9.])[0-9]{9,}(?![0-9.])/;
/** Session keys of OpenClaw, also in the name of a queue: `session:agent:main:…`. */
const sessionKey = /(?:^|[:/])(?:agent|session|sess|subagent):\S/i;
/** Addresses: mail, and ids of messengers such as 49123@s.whatsapp.net or !room:matrix.org. */
const address = /[^\s@]@[^\s@]+\.[a-z]{2,}|[@!#][^\s:@!#]+:[a-z0-9-]+\.[a-z]{2,}/i;
/** `call_1`, `run-42`, `session-e7`. */
const numbered =
  /(?<![a-z0-9_.-])(?:session|sess|run|turn|call|toolcall|tool_call|chat|msg|message|thread|conv|conversation|trace|span|user)[-_:#](?=[a-z]*[0-9])[a-z0-9]{1,64}(?![a-z0-9_-])/i;
/** `chatcmpl-…`, `toolu_…`, as providers make them. */
const prefixed =
  /(?:^|[^a-z0-9])(?:chatcmpl|cmpl|toolu|toolcall|call|msg|resp|req|run|thread|asst|sess|session|conv|evt|fc|wamid)[-_.][a-z0-9_-]{8,}/i;
const words = /[A-Za-z0-9_-]{10,}/g;
const lettersAndDigits = /[A-Za-z0-9]{20,}/g;

// Senders choose the texts: every pattern takes time in proportion to their length.

/** Why an attribute with this key is not shown, whatever its value is. */
export function keyReasonOf(key: string): Exclude<IdReason, "id_value"> | undefined {
  if (commandLines.has(key)) {
    return "command_line";
  }
  return isIdKey(key) || hasIdShape(key) ? "id_key" : undefined;
}

/** Whether an attribute with this value is not shown. */
export function isIdValue(text: string, isInfrastructure: boolean): boolean {
  return isInfrastructure ? namesASession(text) : hasIdShape(text);
}

/** Whether attributes with this key have ids that are meant as labels. */
export function isInfrastructureKey(key: string): boolean {
  return infrastructure.test(key);
}

/** Whether a text, such as the name of a metric, contains what looks like a generated id. */
export function hasIdShape(text: string): boolean {
  return (
    uuid.test(text) ||
    longHex.test(text) ||
    longNumber.test(text) ||
    namesASession(text) ||
    (text.match(lettersAndDigits) ?? []).some(
      (each) => /[0-9].*[0-9]/.test(each) && /[A-Za-z]/.test(each),
    ) ||
    (text.match(words) ?? []).some((each) => changes(each) >= 5)
  );
}

/** Whether a text names a session, a message or a person by its form. */
export function namesASession(text: string): boolean {
  return (
    sessionKey.test(text) ||
    address.test(text) ||
    numbered.test(text) ||
    (prefixed.test(text) && /[0-9]/.test(text))
  );
}

/** How often a letter and a digit are side by side: often in a random text, rarely in a name. */
function changes(text: string): number {
  return text.match(/(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]/g)?.length ?? 0;
}

function isIdKey(key: string): boolean {
  const parts = key
    .replaceAll(/(?<=[a-z0-9])I[Dd]s?(?![a-z])/g, " id ")
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((part) => part !== "");
  return (
    lastWords.has(parts.at(-1) ?? "") ||
    parts.some((part, index) => {
      const before = (parts[index - 1] ?? "").replace(/s$/, "");
      return idNames.has(part) || (idWords.has(part) && subjects.has(before));
    })
  );
}

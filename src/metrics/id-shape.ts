/**
 * Which texts name one session, message or person by their form. Such a text must be in no label and in no line of our log, whatever it is
 * the value of.
 */

// Senders choose the texts: every pattern takes time in proportion to their length.

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

import { keyKindOf, namePartOf, wordsOf } from "../../metrics/id-key.ts";

/** What keys end with that is written together: `sessionid`, `langfuse.useremail`. */
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
/** What is a name of a session or a person behind a word for one: `openclaw.senderName`, `thread_ts`. */
const names = new Set("name key title alias handle number hash ts address label tag".split(" "));
/** What else of a conversation has an id. */
const targets = new Set("group peer target update job lane order ticket".split(" "));
/** Before a word for them, these count sessions or persons: `max_sessions`. */
const counts = new Set("max min active total num number open concurrent".split(" "));
/** Ids by their meaning, which no word of the key says. */
const others = new Set([
  "openclaw.to",
  "openclaw.from",
  "openclaw.target",
  "openclaw.spawnedBy",
  "process.owner",
  "client.address",
  "http.client_ip",
]);
/** The number of a thread of the operating system, and what is a hash already. */
const notIds = new Set(["thread.id", "openclaw.session.ref"]);
/** Only the last words of a key say what it is of. */
const longestKey = 256;

/**
 * Whether a key names a session, a run, a call, a message or a person, by the words by which the `prometheus` exporter hides keys: if the last word is one for a
 * session or a person, or a name or an id of one. The exporter hides more: what only belongs to them (`run.duration_ms`), texts (`error.message`), `url.query`, and ids of
 * anything else that nobody configured. Here those stay, as do ids of machines and of traces.
 */
export function isIdName(key: string): boolean {
  if (notIds.has(key)) {
    return false;
  }
  const end = key.slice(-longestKey);
  const written = end.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  return others.has(key) || idEndings.some((ending) => written.endsWith(ending)) || isByWords(end);
}

function isByWords(key: string): boolean {
  if (keyKindOf(key) !== "id") {
    return false;
  }
  const words = wordsOf(key);
  const parts = words.map(namePartOf);
  if (parts.includes("trace")) {
    return false;
  }
  const [last = ""] = words.slice(-1);
  const isOfSubject = parts.slice(0, -1).includes("subject");
  switch (parts.at(-1)) {
    case "subject":
      return !counts.has(words.at(-2) ?? "");
    case "id":
      return (
        isOfSubject ||
        parts.includes("work") ||
        parts.at(-2) === "happening" ||
        targets.has(words.at(-2) ?? "")
      );
    default:
      return last === "peer" || (names.has(last) && isOfSubject);
  }
}

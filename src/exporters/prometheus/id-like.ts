import { hasIdShape, namesASession } from "../../metrics/id-shape.ts";

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

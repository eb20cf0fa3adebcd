/** Types of parts that call a tool which the framework has to run. */
const callTypes = new Set(["tool_call", "tool-call", "tool_use", "function_call", "function"]);
/** Types of parts that report that a call was carried out or refused, or that a person is or was asked. */
const answerTypes = new Set([
  "tool_call_response",
  "tool-result",
  "tool_result",
  "tool-error",
  "tool-output-denied",
  "function_call_output",
  "tool-approval-request",
  "tool-approval-response",
]);

/** The tool call in a part of a message; undefined if it has none, or one that no framework runs. */
export function requestIn(
  part: object,
): { readonly id: string; readonly name: string } | undefined {
  const fields = fieldsOf(part);
  // Gemini has the call in a field of the part, OpenAI its name.
  const isGemini = fields["functionCall"] !== undefined;
  const call = isGemini ? fieldsOf(fields["functionCall"]) : fields;
  const id = textOf(call["call_id"]) || textOf(call["toolCallId"]) || textOf(call["id"]);
  const name =
    textOf(call["name"]) || textOf(call["toolName"]) || textOf(fieldsOf(call["function"])["name"]);
  const isCall =
    isGemini ||
    callTypes.has(textOf(fields["type"])) ||
    (fields["type"] === undefined && textOf(fields["toolCallId"]) !== "");
  // The provider of the model runs it, or its arguments are invalid.
  const isNotRun =
    fields["providerExecuted"] === true || fields["builtin"] === true || fields["invalid"] === true;
  return isCall && !isNotRun && id !== "" && name !== "" ? { id, name } : undefined;
}

/** The id of the call whose result, refusal, or question to a person is in a part of a message. */
export function answerIn(part: object): string | undefined {
  const fields = fieldsOf(part);
  const response = fields["functionResponse"];
  if (response !== undefined) {
    return textOf(fieldsOf(response)["id"]) || undefined;
  }
  const id =
    textOf(fields["tool_call_id"]) ||
    textOf(fields["tool_use_id"]) ||
    textOf(fields["call_id"]) ||
    textOf(fields["toolCallId"]) ||
    textOf(fieldsOf(fields["toolCall"])["toolCallId"]) ||
    textOf(fields["id"]);
  const isAnswer =
    answerTypes.has(textOf(fields["type"])) ||
    fields["event.name"] === "gen_ai.tool.message" ||
    textOf(fields["tool_call_id"]) !== "" ||
    (fields["call_id"] !== undefined && fields["is_error"] !== undefined);
  return isAnswer && id !== "" ? id : undefined;
}

/** What a name of `Object.prototype` would find there is a function, and none of the fields that are looked for. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isFields(value) ? value : noFields;
}

const noFields: Readonly<Record<string, unknown>> = {};

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

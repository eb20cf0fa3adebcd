/** The Messages API of Anthropic for a client that has a tool `Bash`: two commands at once, then a sentence. */
const commands = [
  { id: "toolu_weather", command: "echo sunny" },
  { id: "toolu_time", command: "echo 12:00" },
] as const;

const isBash = (tool: { readonly name?: unknown }) => tool.name === "Bash";

/** What is asked of the model, as far as it matters. */
export interface MessagesRequest {
  readonly tools?: readonly { readonly name?: unknown }[];
  readonly messages?: readonly unknown[];
}

/** The answer as a stream of events. A client asks for titles and the like too: those get the sentence. */
export function* messageEvents({ tools = [], messages = [] }: MessagesRequest) {
  const isFirst = tools.some(isBash) && !JSON.stringify(messages).includes('"tool_result"');
  yield {
    type: "message_start",
    message: {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "scripted-1",
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 20, output_tokens: 1 },
    },
  };
  const blocks = isFirst
    ? commands.map(({ id, command }) => ({
        content_block: { type: "tool_use", id, name: "Bash", input: {} },
        delta: {
          type: "input_json_delta",
          partial_json: JSON.stringify({ command, description: "Look" }),
        },
      }))
    : [
        {
          content_block: { type: "text", text: "" },
          delta: { type: "text_delta", text: "It is sunny in Oslo, and noon." },
        },
      ];
  for (const [index, { content_block, delta }] of blocks.entries()) {
    yield { type: "content_block_start", index, content_block };
    yield { type: "content_block_delta", index, delta };
    yield { type: "content_block_stop", index };
  }
  yield {
    type: "message_delta",
    delta: { stop_reason: isFirst ? "tool_use" : "end_turn", stop_sequence: null },
    usage: { output_tokens: 10 },
  };
  yield { type: "message_stop" };
}

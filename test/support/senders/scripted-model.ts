import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { messageEvents } from "./scripted-messages.ts";

/** A model that always plays the same turn, behind the HTTP APIs of OpenAI and Anthropic. */
export interface ScriptedModel {
  /** What a client takes as the base URL of the API. */
  readonly url: string;
  close(): Promise<void>;
}

interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** What the model asks for at first: both tools at once. */
const calls: readonly ToolCall[] = [
  { id: "call_weather", name: "get_weather", arguments: '{"city":"Oslo"}' },
  { id: "call_time", name: "get_time", arguments: '{"city":"Oslo"}' },
];
/** The same for a client that has a shell and no tools of ours: Codex. */
const commands: readonly ToolCall[] = [
  { id: "call_weather", name: "exec_command", arguments: '{"cmd":"echo sunny"}' },
  { id: "call_time", name: "exec_command", arguments: '{"cmd":"echo 12:00"}' },
];
const answer = "It is sunny in Oslo, and noon.";
const usage = { prompt_tokens: 20, completion_tokens: 10, total_tokens: 30 };
const responseUsage = {
  input_tokens: 20,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 10,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 30,
};

/**
 * Serves the Chat Completions, Responses and Messages APIs on loopback: a request without the result of a
 * tool is answered with calls of `get_weather` and `get_time`, any other with a sentence.
 */
export async function openScriptedModel(): Promise<ScriptedModel> {
  const server = createServer((request, response) => void take(request, response));
  server.listen(0, "127.0.0.1");
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", reject);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Uint8Array[] = [];
  for await (const part of request) {
    parts.push(part);
  }
  const asked = JSON.parse(Buffer.concat(parts).toString("utf8") || "{}");
  const path = (request.url ?? "").replace(/\?.*/, "");
  if (path.endsWith("/messages")) {
    sendEvents(response, messageEvents(asked));
    response.end();
    return;
  }
  const api = path.endsWith("/responses") ? responses : chatCompletions;
  const isFirst = !/"role":"tool"|"function_call_output"/.test(
    JSON.stringify(asked.messages ?? asked.input ?? []),
  );
  const hasShell = JSON.stringify(asked.tools ?? []).includes('"exec_command"');
  const wanted = isFirst ? (hasShell ? commands : calls) : [];
  if (asked.stream === true) {
    sendEvents(response, api.stream(wanted));
    response.end(api === chatCompletions ? "data: [DONE]\n\n" : "");
  } else {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(text(api.whole(wanted)));
  }
}

function sendEvents(response: ServerResponse, events: Iterable<object>): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of events) {
    response.write(`${"type" in event ? `event: ${event.type}\n` : ""}data: ${text(event)}\n\n`);
  }
}

const text = (value: unknown) => JSON.stringify(value);

const chatCompletions = {
  whole: (wanted: readonly ToolCall[]) => ({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_795_000_000,
    model: "scripted-1",
    choices: [
      {
        index: 0,
        finish_reason: wanted.length > 0 ? "tool_calls" : "stop",
        message:
          wanted.length > 0
            ? {
                role: "assistant",
                content: null,
                tool_calls: wanted.map(({ id, ...call }) => ({
                  id,
                  type: "function",
                  function: call,
                })),
              }
            : { role: "assistant", content: answer },
      },
    ],
    usage,
  }),
  *stream(wanted: readonly ToolCall[]) {
    const chunk = (delta: object, finish_reason: string | null = null) => ({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created: 1_795_000_000,
      model: "scripted-1",
      choices: [{ index: 0, delta, finish_reason }],
    });
    for (const [index, { id, ...call }] of wanted.entries()) {
      const role = index === 0 ? { role: "assistant" } : {};
      yield chunk({ ...role, tool_calls: [{ index, id, type: "function", function: call }] });
    }
    if (wanted.length === 0) {
      yield chunk({ role: "assistant", content: answer });
    }
    yield { ...chunk({}, wanted.length > 0 ? "tool_calls" : "stop"), usage };
  },
};

const responses = {
  whole: (wanted: readonly ToolCall[]) => ({
    id: "resp_1",
    object: "response",
    created_at: 1_795_000_000,
    status: "completed",
    model: "scripted-1",
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: "auto",
    tools: [],
    top_p: 1,
    output:
      wanted.length > 0
        ? wanted.map(({ id, ...call }) => ({
            type: "function_call",
            id: `fc_${id}`,
            call_id: id,
            status: "completed",
            ...call,
          }))
        : [
            {
              type: "message",
              id: "msg_1",
              role: "assistant",
              status: "completed",
              content: [{ type: "output_text", text: answer, annotations: [] }],
            },
          ],
    usage: responseUsage,
  }),
  *stream(wanted: readonly ToolCall[]) {
    const response = this.whole(wanted);
    let sequence_number = 0;
    yield {
      type: "response.created",
      sequence_number: sequence_number++,
      response: { ...response, status: "in_progress", output: [], usage: null },
    };
    for (const [output_index, item] of response.output.entries()) {
      yield {
        type: "response.output_item.added",
        sequence_number: sequence_number++,
        output_index,
        item,
      };
      yield {
        type: "response.output_item.done",
        sequence_number: sequence_number++,
        output_index,
        item,
      };
    }
    yield { type: "response.completed", sequence_number, response };
  },
};

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A model that always plays the same turn, behind the HTTP API of OpenAI. */
export interface ScriptedModel {
  /** What a client takes as the base URL of the API. */
  readonly url: string;
  close(): Promise<void>;
}

/** What the model asks for at first: both tools at once. */
const calls = [
  { id: "call_weather", name: "get_weather", arguments: '{"city":"Oslo"}' },
  { id: "call_time", name: "get_time", arguments: '{"city":"Oslo"}' },
] as const;
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
 * Serves the Chat Completions and the Responses API on loopback, streamed or not: a request without the
 * result of a tool is answered with calls of `get_weather` and `get_time`, any other with a sentence.
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
  const api = (request.url ?? "").endsWith("/responses") ? responses : chatCompletions;
  const isFirst = !JSON.stringify(asked.messages ?? asked.input ?? []).match(
    /"role":"tool"|"function_call_output"/,
  );
  if (asked.stream === true) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of api.stream(isFirst)) {
      response.write(`${"type" in event ? `event: ${event.type}\n` : ""}data: ${text(event)}\n\n`);
    }
    response.end(api === chatCompletions ? "data: [DONE]\n\n" : "");
  } else {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(text(api.whole(isFirst)));
  }
}

const text = (value: unknown) => JSON.stringify(value);

const chatCompletions = {
  whole: (isFirst: boolean) => ({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_795_000_000,
    model: "scripted-1",
    choices: [
      {
        index: 0,
        finish_reason: isFirst ? "tool_calls" : "stop",
        message: isFirst
          ? {
              role: "assistant",
              content: null,
              tool_calls: calls.map(({ id, ...call }) => ({
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
  *stream(isFirst: boolean) {
    const chunk = (delta: object, finish_reason: string | null = null) => ({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created: 1_795_000_000,
      model: "scripted-1",
      choices: [{ index: 0, delta, finish_reason }],
    });
    if (isFirst) {
      for (const [index, { id, ...call }] of calls.entries()) {
        const role = index === 0 ? { role: "assistant" } : {};
        yield chunk({ ...role, tool_calls: [{ index, id, type: "function", function: call }] });
      }
    } else {
      yield chunk({ role: "assistant", content: answer });
    }
    yield { ...chunk({}, isFirst ? "tool_calls" : "stop"), usage };
  },
};

const responses = {
  whole: (isFirst: boolean) => ({
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
    output: isFirst
      ? calls.map(({ id, ...call }) => ({
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
  *stream(isFirst: boolean) {
    const response = this.whole(isFirst);
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

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A tool call the model asks for. */
interface ToolRequest {
  readonly name: string;
  /** Its name in the gateway's catalogue of rarely used tools; default that of a tool of the core. */
  readonly catalogued?: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/**
 * What the model does when it is asked for the n-th time after a prompt: calls tools, says something at once or one word
 * a second, or hangs.
 */
type Step = readonly ToolRequest[] | string | "never" | { readonly wordASecondFor: number };

/** A running stand-in for an OpenAI-compatible model. */
export interface ScriptedModel {
  /** Base address for `models.providers.*.baseUrl`. */
  readonly url: string;
  /** Every request so far: the script it followed and the step. */
  readonly requests: readonly { readonly script: string; readonly step: number }[];
  close(): Promise<void>;
}

interface ChatMessage {
  readonly role: string;
  readonly content?: string | readonly { readonly text?: string }[] | null;
}

interface ChatRequest {
  readonly messages?: readonly ChatMessage[];
  readonly tools?: readonly { readonly function?: { readonly name?: string } }[];
}

const exec = (command: string): ToolRequest => ({
  name: "exec",
  arguments: { command, timeoutSeconds: 120, yieldMs: 120_000 },
});

/** What a prompt that names `script:<name>` makes the model do, one step a request. */
const scripts: Readonly<Record<string, readonly Step[]>> = {
  text: ["Done."],
  tools: [
    [exec("echo hello"), { name: "read", arguments: { path: "AGENTS.md" } }],
    "Both tools answered.",
  ],
  parallel: [
    [exec("echo hello"), { name: "read", arguments: { path: "AGENTS.md" } }, exec("sleep 90")],
    "All three tools answered.",
  ],
  hang: [[exec("sleep 90")], "The tool came back."],
  long: [[exec("sleep 50")], "The long tool came back."],
  slow: [[exec("sleep 15")], "The slow tool came back."],
  forget: [[exec("echo forget-one")], "One tool was forgotten."],
  silent: ["never"],
  orphan: [[{ name: "wait_forever", catalogued: "wait_forever", arguments: {} }], "It came back."],
  approve: [[exec("echo approved")], "The command was approved."],
  hold: [[exec("echo ask-first")], "The command was held up, and then approved."],
  stream: [{ wordASecondFor: 180 }],
  spawn: [
    [{ name: "sessions_spawn", arguments: { task: "Please do script:child now.", label: "kid" } }],
    "The sub-agent is on its way.",
  ],
  child: [[exec("sleep 1 && echo from-the-child")], "The child is done."],
};

/**
 * Serves `POST /v1/chat/completions` as server-sent events on a free port of 127.0.0.1.
 *
 * The newest user message that names a script decides; the tool results after it tell the step. A message that names
 * none is answered with a sentence.
 */
export async function startScriptedModel(): Promise<ScriptedModel> {
  const requests: { script: string; step: number }[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      if (request.url?.endsWith("/models")) {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(
          JSON.stringify({ object: "list", data: [{ id: "scripted", object: "model" }] }),
        );
        return;
      }
      const chat: ChatRequest = JSON.parse(body);
      const turn = turnOf(chat.messages ?? []);
      requests.push(turn);
      answer(
        response,
        scripts[turn.script]?.[turn.step] ?? "Nothing more to do.",
        chat,
        requests.length,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function turnOf(messages: readonly ChatMessage[]): { script: string; step: number } {
  const at = messages.findLastIndex(
    (message) => message.role === "user" && promptOf(message) !== undefined,
  );
  const script = at < 0 ? "text" : promptOf(messages[at]!)!;
  // The gateway puts messages of its own (role user too) behind the prompt, so they do not count.
  const rounds = messages
    .slice(at + 1)
    .filter((message, i, after) => message.role === "tool" && after[i - 1]?.role !== "tool");
  return { script, step: rounds.length };
}

/** The script a message asks for. What a gateway says about a finished sub-agent asks for none, whatever it quotes. */
function promptOf(message: ChatMessage): string | undefined {
  const text = textOf(message);
  if (text.includes("[Subagent Context]")) {
    // Where its task is written differs from version to version; there is only one.
    return "child";
  }
  return /background task completed|subagent_announce/i.test(text)
    ? "text"
    : /script:([a-z]+)/.exec(text)?.[1];
}

function textOf({ content }: ChatMessage): string {
  return typeof content === "string"
    ? content
    : (content ?? []).map(({ text }) => text ?? "").join("");
}

function answer(response: ServerResponse, step: Step, chat: ChatRequest, count: number): void {
  const chunk = (choice: object, rest: object = {}) =>
    response.write(
      `data: ${JSON.stringify({
        id: `chatcmpl-${count}`,
        object: "chat.completion.chunk",
        created: 1,
        model: "scripted",
        choices: [{ index: 0, ...choice }],
        ...rest,
      })}\n\n`,
    );
  response.writeHead(200, { "content-type": "text/event-stream" });
  chunk({ delta: { role: "assistant", content: "" }, finish_reason: null });
  if (step === "never") {
    return;
  }
  if (typeof step === "object" && "wordASecondFor" in step) {
    sayWords(step.wordASecondFor, chunk, response);
    return;
  }
  const calls = typeof step === "string" ? [] : step;
  for (const [index, call] of calls.entries()) {
    const { name, arguments: args } = throughCatalogue(call, chat);
    chunk({
      delta: {
        tool_calls: [
          {
            index,
            id: `call_secret_${count}_${index}`,
            type: "function",
            function: { name, arguments: JSON.stringify(args) },
          },
        ],
      },
      finish_reason: null,
    });
  }
  if (typeof step === "string") {
    chunk({ delta: { content: step }, finish_reason: null });
  }
  chunk(
    { delta: {}, finish_reason: calls.length > 0 ? "tool_calls" : "stop" },
    { usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 } },
  );
  response.end("data: [DONE]\n\n");
}

/** One word a second, for `count` seconds or until the connection is gone. */
function sayWords(
  count: number,
  chunk: (choice: object, rest?: object) => boolean,
  response: ServerResponse,
): void {
  if (response.destroyed) {
    return;
  }
  if (count === 0) {
    chunk({ delta: {}, finish_reason: "stop" });
    response.end("data: [DONE]\n\n");
    return;
  }
  chunk({ delta: { content: "word " }, finish_reason: null });
  setTimeout(() => sayWords(count - 1, chunk, response), 1_000);
}

/** Newer gateways offer rarely used tools only through `tool_call`: a tool inside a tool. */
function throughCatalogue(call: ToolRequest, chat: ChatRequest): ToolRequest {
  const offered = (chat.tools ?? []).map((tool) => tool.function?.name);
  return offered.includes(call.name) || !offered.includes("tool_call")
    ? call
    : {
        name: "tool_call",
        arguments: { id: call.catalogued ?? `openclaw:core:${call.name}`, args: call.arguments },
      };
}

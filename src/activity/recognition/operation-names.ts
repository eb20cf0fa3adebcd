import { KeySet } from "../../otlp/keys.ts";
import { type SpanClass, spanClasses } from "./span-class.ts";

const { run, tool, modelCall } = spanClasses;
const space = " ".charCodeAt(0);
const colon = ":".charCodeAt(0);
const quote = "'".charCodeAt(0);

/**
 * The operations of the GenAI conventions that name their spans: alone, or followed by a space and the name of the agent, the tool or the
 * model. Instrumentations set the attribute that says the same only when the span ends.
 */
export const operationNames: Readonly<Record<string, SpanClass>> = {
  invoke_agent: run,
  invoke_workflow: run,
  execute_tool: tool,
  chat: modelCall,
  text_completion: modelCall,
  generate_content: modelCall,
  embeddings: modelCall,
};

/** How Mastra's OpenTelemetry bridge names spans until they end: the kind, a colon, and mostly the name in quotes. */
export const mastraScope = "@mastra/otel-bridge";
export const mastraNames: Readonly<Record<string, SpanClass>> = {
  "agent run": run,
  "workflow run": run,
  tool,
  client_tool: tool,
  provider_tool: tool,
  mcp_tool: tool,
  inference: modelCall,
};

const operations = new KeySet(Object.keys(operationNames));
const operationClasses = Object.values(operationNames);
const mastra = new KeySet(Object.keys(mastraNames));
const mastraClasses = Object.values(mastraNames);
const scopes = new KeySet([mastraScope]);
const longest = Math.max(
  ...[...Object.keys(operationNames), ...Object.keys(mastraNames)].map((name) => name.length),
);

/** Some bytes of a request. */
interface Text {
  readonly start: number;
  readonly end: number;
}

/** What the name of a span that has just started says that it is. Compares bytes and creates no string. */
export class OperationNameMatcher {
  /** Where the name of the agent, the tool or the model begins and ends in it; empty if it has none. Valid until the next `match`. */
  nameStart = 0;
  nameEnd = 0;

  /** Undefined if the name has another form. */
  match(bytes: Uint8Array, name: Text, scope: Text): SpanClass | undefined {
    return scopes.match(bytes, scope.start, scope.end) === 0
      ? this.#matchMastra(bytes, name)
      : this.#matchOperation(bytes, name);
  }

  #matchOperation(bytes: Uint8Array, { start, end }: Text): SpanClass | undefined {
    const at = indexOf(bytes, space, start, end);
    this.nameStart = at === -1 ? end : at + 1;
    this.nameEnd = end;
    return operationClasses[operations.match(bytes, start, at === -1 ? end : at)];
  }

  #matchMastra(bytes: Uint8Array, { start, end }: Text): SpanClass | undefined {
    const at = indexOf(bytes, colon, start, end);
    const isQuoted = at !== -1 && bytes[at + 2] === quote && at + 2 < end;
    const close = isQuoted ? bytes.subarray(0, end).lastIndexOf(quote) : -1;
    this.nameStart = isQuoted ? at + 3 : end;
    this.nameEnd = close > at + 2 ? close : this.nameStart;
    return at === -1 ? undefined : mastraClasses[mastra.match(bytes, start, at)];
  }
}

/** Where the first such byte is, if it can end one of the names above; else -1. */
function indexOf(bytes: Uint8Array, byte: number, start: number, end: number): number {
  const last = Math.min(end, start + longest + 1);
  for (let at = start; at < last; at++) {
    if (bytes[at] === byte) {
      return at;
    }
  }
  return -1;
}

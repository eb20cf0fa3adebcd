import { KeySet } from "../../otlp/keys.ts";
import type { SpanBatch } from "../../otlp/span-batch.ts";
import { OperationNameMatcher } from "./operation-names.ts";
import { spanClasses } from "./span-class.ts";
import { genericToolNames, toolSpanNames } from "./work-spans.ts";

const suffix = Buffer.from(".tool");
const scopes = new KeySet(toolSpanNames.map(({ scope }) => scope));
const endingsOfScope = toolSpanNames.map(({ endings }) =>
  endings.map((ending) => Buffer.from(ending)),
);
const generic = new KeySet(genericToolNames);

/**
 * Where the name of a tool is in the name of its span, for tools of which no attribute has it. Only where the name of the span is made of that of the
 * tool: one that is the same for all tools (`FunctionTool.acall`, `ai.toolCall`) would name the wrong one. Compares bytes and creates no string.
 */
export class ToolSpanName {
  /** The range of the name that was found last. */
  start = 0;
  end = 0;
  readonly #operations = new OperationNameMatcher();

  /** Whether the name of the span has the tool's. `isNamedBySpan`: its class says that it is the tool's. */
  find(spans: SpanBatch, row: number, { isNamedBySpan }: { readonly isNamedBySpan: boolean }) {
    const { bytes } = spans;
    const name = { start: spans.nameStart.get(row), end: spans.nameEnd.get(row) };
    const scope = { start: spans.scopeNameStart.get(row), end: spans.scopeNameEnd.get(row) };
    if (this.#operations.match(bytes, name, scope) === spanClasses.tool) {
      this.start = this.#operations.nameStart;
      this.end = this.#operations.nameEnd;
      return this.end > this.start;
    }
    const { end } = name;
    this.start = name.start;
    this.end = end;
    if (isNamedBySpan) {
      this.end = toolNameEnd(bytes, this.start, end);
      return true;
    }
    const endings = endingsOfScope[scopes.match(bytes, scope.start, scope.end)];
    const ending = endings?.find((each) => hasEnding(bytes, this.start, end, each));
    if (ending === undefined) {
      return false;
    }
    this.end = end - ending.length;
    return this.end > this.start && generic.match(bytes, this.start, this.end) === -1;
  }
}

/**
 * Where the name of the tool ends in the name of its span, which is `bytes` from `start` up to `end`: AgentOps appends
 * `.tool`.
 */
export function toolNameEnd(bytes: Uint8Array, start: number, end: number): number {
  const from = end - suffix.length;
  return from > start && hasEnding(bytes, start, end, suffix) ? from : end;
}

function hasEnding(bytes: Uint8Array, start: number, end: number, ending: Uint8Array): boolean {
  const from = end - ending.length;
  return from >= start && ending.every((byte, at) => bytes[from + at] === byte);
}

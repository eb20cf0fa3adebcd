import { KeySet } from "../../otlp/keys.ts";
import { type SpanClass, spanClasses } from "./span-class.ts";

const { run, tool, modelCall } = spanClasses;
const space = " ".charCodeAt(0);

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

const operations = new KeySet(Object.keys(operationNames));
const classes = Object.values(operationNames);
const longest = Math.max(...Object.keys(operationNames).map((name) => name.length));

/** What the name of a span, which is `bytes` from `start` up to `end`, says that it is. Compares bytes and creates no string. */
export class OperationNameMatcher {
  /** Where what follows the operation begins; at the end if nothing does. Valid until the next `match`. */
  rest = 0;

  /** Undefined if the name has another form. */
  match(bytes: Uint8Array, start: number, end: number): SpanClass | undefined {
    const last = Math.min(end, start + longest + 1);
    let at = start;
    while (at < last && bytes[at] !== space) {
      at++;
    }
    if (at === last && last < end) {
      return undefined;
    }
    this.rest = Math.min(at + 1, end);
    return classes[operations.match(bytes, start, at)];
  }
}

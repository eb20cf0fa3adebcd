import type { ActivityStore } from "../store/activity-store.ts";
import { spanFlags } from "../store/span-table.ts";
import type { RequestedCall, RequestedResponse } from "./requested-responses.ts";

/** A tool without a call id that came, and the call that it answers by its name. */
export interface MatchedByName {
  readonly response: RequestedResponse;
  readonly call: RequestedCall;
  readonly tool: number;
}

/** What came between the model calls of an ended owner. */
export interface ToolPhases {
  readonly matched: readonly MatchedByName[];
  /** Tools without a call id came that no response asked for by their name. */
  readonly hasOthers: boolean;
  /**
   * What its run called after a model call, directly: a model of whose input nothing is known, or none; undefined when
   * something is known of its input, or not which of them came first.
   */
  readonly after: (modelCall: number) => "a model call" | "nothing" | undefined;
}

/**
 * Sorts out what came finished directly in the runs of one owner: its model calls, and its tools without a call id. A tool
 * answers the last call of its name that was made before it began; of those that are left each answers any call of its name
 * that is.
 */
export function toolPhasesOf(
  store: ActivityStore,
  {
    tools,
    modelCalls,
  }: { readonly tools: readonly number[]; readonly modelCalls: readonly number[] },
  asked: readonly { readonly response: RequestedResponse; readonly modelCall: number }[],
): ToolPhases {
  const { spans } = store;
  const latest = modelCalls.toSorted(
    (a, b) => spans.startMs.get(b) - spans.startMs.get(a) || a - b,
  );
  const prompted = latest.filter((call) => spans.hasFlag(call, spanFlags.hasPrompt));
  const isTimed = modelCalls.every((call) => spans.startMs.get(call) > 0);
  return {
    ...matchByName(store, tools, asked),
    after: (modelCall) => {
      const isLater = (call: number | undefined) =>
        call !== undefined && spans.startMs.get(call) >= spans.endMs.get(modelCall);
      const another = (call: number) => call !== modelCall;
      if (isLater(prompted.find(another)) || (modelCalls.length > 1 && !isTimed)) {
        return undefined;
      }
      return isLater(latest.find(another)) ? "a model call" : "nothing";
    },
  };
}

function matchByName(
  { spans }: ActivityStore,
  tools: readonly number[],
  asked: readonly { readonly response: RequestedResponse; readonly modelCall: number }[],
): Pick<ToolPhases, "matched" | "hasOthers"> {
  /** By name, in the order they began. */
  const left = new Map<number, number[]>();
  for (const tool of tools.toSorted(
    (a, b) => spans.startMs.get(a) - spans.startMs.get(b) || a - b,
  )) {
    const name = spans.name.get(tool);
    const ofName = left.get(name) ?? [];
    ofName.push(tool);
    left.set(name, ofName);
  }
  const matched = new Map<RequestedCall, MatchedByName>();
  const calls = asked
    .toSorted((a, b) => spans.startMs.get(b.modelCall) - spans.startMs.get(a.modelCall))
    .flatMap(({ response, modelCall }) =>
      response.calls.map((call) => ({ response, call, askedMs: spans.startMs.get(modelCall) })),
    )
    .filter(({ call }) => call.state !== "ran" && call.name !== 0);
  const take = (sinceMs: (askedMs: number) => number) => {
    for (const { response, call, askedMs } of calls) {
      const tool = left.get(call.name)?.at(-1);
      if (tool !== undefined && !matched.has(call) && spans.startMs.get(tool) >= sinceMs(askedMs)) {
        left.get(call.name)?.pop();
        matched.set(call, { response, call, tool });
      }
    }
  };
  take((askedMs) => askedMs);
  take(() => Number.NEGATIVE_INFINITY);
  return { matched: [...matched.values()], hasOthers: matched.size < tools.length };
}

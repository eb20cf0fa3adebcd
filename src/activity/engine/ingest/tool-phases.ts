import type { ActivityStore } from "../store/activity-store.ts";
import { spanFlags } from "../store/span-table.ts";
import type { RequestedCall, RequestedResponse } from "./requested-responses.ts";
import type { DirectSpans } from "./unkeyed-spans.ts";

/** A response and the row of its model call. */
interface ResponseOf {
  readonly response: RequestedResponse;
  readonly modelCall: number;
}

/** A tool without a call id that arrived, and the call that it answers by its name. */
export interface MatchedByName {
  readonly call: RequestedCall;
  readonly tool: number;
}

/** What happened between the model calls of an ended owner. */
export interface ToolPhases {
  readonly matched: readonly MatchedByName[];
  /** Tools without a call id arrived that no response asked for by their name. */
  readonly hasOthers: boolean;
  /**
   * What its run did next after a model call, directly: it called a model of whose input nothing is known, or nothing.
   * Undefined when something is known of that input, or the order of the model calls is not known.
   */
  readonly after: (modelCall: number) => "a model call" | "nothing" | undefined;
}

/**
 * Matches the finished spans directly in the runs of one owner, its model calls and its tools without a call id, with the
 * responses of those model calls. A tool answers the last call of its name that was made before it began; each tool that is
 * left answers any call of its name that is left.
 */
export function toolPhasesOf(
  store: ActivityStore,
  { tools, modelCalls }: DirectSpans,
  responses: readonly ResponseOf[],
): ToolPhases {
  const { spans } = store;
  const latest = modelCalls.toSorted(
    (a, b) => spans.startMs.get(b) - spans.startMs.get(a) || a - b,
  );
  const prompted = latest.filter((call) => spans.hasFlag(call, spanFlags.hasPrompt));
  const isTimed = modelCalls.every((call) => spans.startMs.get(call) > 0);
  return {
    ...matchByName(store, tools, responses),
    after: (modelCall) => {
      const isLater = (call: number | undefined) =>
        call !== undefined && spans.startMs.get(call) >= spans.closedMs.get(modelCall);
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
  responses: readonly ResponseOf[],
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
  const calls = responses
    .toSorted((a, b) => spans.startMs.get(b.modelCall) - spans.startMs.get(a.modelCall))
    .flatMap(({ response, modelCall }) =>
      response.calls.map((call) => ({ call, askedMs: spans.startMs.get(modelCall) })),
    )
    .filter(({ call }) => call.state !== "ran" && call.name !== 0);
  const take = (sinceMs: (askedMs: number) => number) => {
    for (const { call, askedMs } of calls) {
      const tool = left.get(call.name)?.at(-1);
      if (tool !== undefined && !matched.has(call) && spans.startMs.get(tool) >= sinceMs(askedMs)) {
        left.get(call.name)?.pop();
        matched.set(call, { call, tool });
      }
    }
  };
  take((askedMs) => askedMs);
  take(() => Number.NEGATIVE_INFINITY);
  return { matched: [...matched.values()], hasOthers: matched.size < tools.length };
}

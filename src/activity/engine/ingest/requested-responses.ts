import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream } from "../store/snapshot.ts";

/** A call of a tool that a model asked for. */
export interface RequestedCall {
  /** Its process and the keyed hash of its id. */
  readonly key: string;
  /** Interned tool name; 0 for one that is no name. */
  readonly name: number;
  /** `ran`: its tool came. `answered`: a model was handed its result, whoever that came from. */
  state: "open" | "ran" | "answered";
}

/** What one finished model call asked for. */
export interface RequestedResponse {
  readonly process: number;
  /** Row of its trace, which is held. */
  readonly trace: number;
  /** The model call. */
  readonly span0: number;
  readonly span1: number;
  /** When it arrived. */
  readonly atMs: number;
  readonly calls: RequestedCall[];
  /** When the first of its tools ended without an error, by the sender's clock; Infinity when none has. */
  ranMs: number;
  /** Whether a tool came with the id of one of its calls. */
  hasKeyedTools: boolean;
}

const states = ["open", "ran", "answered"] as const;
const cellsPerResponse = 8;

/** Responses whose run is not decided, and all their calls, by call, by trace and by the model call. */
export class RequestedResponses {
  readonly #store: ActivityStore;
  readonly #mostCalls: number;
  readonly #byCall = new Map<string, RequestedResponse>();
  readonly #byTrace = new Map<number, Map<string, RequestedResponse>>();

  /** Of more calls than `mostCalls` the new ones are refused. */
  constructor(store: ActivityStore, mostCalls: number) {
    this.#store = store;
    this.#mostCalls = mostCalls;
  }

  snapshot(io: SnapshotStream): void {
    const all = [...this.#byTrace.values()].flatMap((ofTrace) => [...ofTrace.values()]);
    const cells = io.numbers(
      all.flatMap((each) => [
        each.process,
        each.trace,
        each.span0,
        each.span1,
        each.atMs,
        each.ranMs,
        each.hasKeyedTools ? 1 : 0,
        each.calls.length,
      ]),
    );
    const calls = all.flatMap((each) => each.calls);
    const keys = io.texts(calls.map(({ key }) => key));
    const ofCalls = io.numbers(calls.flatMap(({ name, state }) => [name, states.indexOf(state)]));
    if (!io.isLoading) {
      return;
    }
    let next = 0;
    for (let at = 0; at < cells.length; at += cellsPerResponse) {
      const [
        process = 0,
        trace = -1,
        span0 = 0,
        span1 = 0,
        atMs = 0,
        ranMs = 0,
        keyed = 0,
        of = 0,
      ] = cells.slice(at, at + cellsPerResponse);
      const response = { process, trace, span0, span1, atMs, ranMs, hasKeyedTools: keyed === 1 };
      const added = this.#put({ ...response, calls: [] });
      for (const end = next + of; next < end; next++) {
        const [name = 0, state = 0] = ofCalls.slice(next * 2, next * 2 + 2);
        this.#putCall(added, { key: keys[next] ?? "", name, state: states[state] ?? "open" });
      }
    }
  }

  /** The response that asked for a call, if its run is not decided. */
  ofCall(key: string): RequestedResponse | undefined {
    return this.#byCall.get(key);
  }

  /** Responses in a trace. */
  inTrace(trace: number): readonly RequestedResponse[] {
    return [...(this.#byTrace.get(trace)?.values() ?? [])];
  }

  /** Names of the tools that were asked for. */
  *names(): Generator<number> {
    for (const ofTrace of this.#byTrace.values()) {
      for (const { calls } of ofTrace.values()) {
        for (const { name } of calls) {
          yield name;
        }
      }
    }
  }

  get isEmpty(): boolean {
    return this.#byTrace.size === 0;
  }

  /** The response of a model call of a known trace, which is remembered from now on; undefined when there is no room. */
  add(
    of: Omit<RequestedResponse, "calls" | "ranMs" | "hasKeyedTools">,
    call: RequestedCall,
  ): RequestedResponse | undefined {
    if (this.#byCall.size >= this.#mostCalls) {
      return undefined;
    }
    const known = this.#byTrace.get(of.trace)?.get(keyOf(of));
    if (known === undefined) {
      this.#store.traces.retain(of.trace);
    }
    const response =
      known ??
      this.#put({ ...of, calls: [], ranMs: Number.POSITIVE_INFINITY, hasKeyedTools: false });
    this.#putCall(response, call);
    return response;
  }

  /** Forgets the response of a model call. */
  forget(trace: number, span0: number, span1: number): void {
    const response = this.#byTrace.get(trace)?.get(keyOf({ span0, span1 }));
    if (response !== undefined) {
      this.remove(response);
    }
  }

  remove(response: RequestedResponse): void {
    const ofTrace = this.#byTrace.get(response.trace);
    if (ofTrace?.delete(keyOf(response)) !== true) {
      return;
    }
    if (ofTrace.size === 0) {
      this.#byTrace.delete(response.trace);
    }
    for (const { key } of response.calls) {
      this.#byCall.delete(key);
    }
    this.#store.traces.release(response.trace);
  }

  #put(response: RequestedResponse): RequestedResponse {
    const ofTrace = this.#byTrace.get(response.trace) ?? new Map<string, RequestedResponse>();
    this.#byTrace.set(response.trace, ofTrace.set(keyOf(response), response));
    return response;
  }

  #putCall(response: RequestedResponse, call: RequestedCall): void {
    response.calls.push(call);
    this.#byCall.set(call.key, response);
  }
}

function keyOf({ span0, span1 }: { readonly span0: number; readonly span1: number }): string {
  return `${span0}:${span1}`;
}

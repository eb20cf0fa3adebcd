import { Int32Column } from "../../../otlp/columns.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { KeyIndex, TableRows } from "../store/table-rows.ts";

/** A call of a tool that a model asked for. */
export interface RequestedCall {
  readonly response: RequestedResponse;
  /** Keyed hash of its id. */
  readonly key0: number;
  readonly key1: number;
  /** Interned tool name; 0 when it has none. */
  readonly name: number;
  /** `ran`: its tool arrived. `answered`: a model was given its result, or the call was refused. */
  state: "open" | "ran" | "answered";
}

/** What one finished model call asked for. */
export interface RequestedResponse {
  readonly process: number;
  /** Row of its trace, which is retained. */
  readonly trace: number;
  /** Span id of the model call. */
  readonly span0: number;
  readonly span1: number;
  /** When it arrived. */
  readonly atMs: number;
  readonly calls: RequestedCall[];
  /** When the first of its tools ended without an error, by the sender's clock; Infinity when none has. */
  ranMs: number;
  /** Whether a tool arrived with the id of one of its calls. */
  hasKeyedTools: boolean;
}

const states = ["open", "ran", "answered"] as const;
const cellsPerResponse = 8;

/**
 * Keeps the responses of model calls whose run is not decided, with all their calls, by call, by trace and by model call. At
 * most `mostCalls` calls: at the bound new ones are refused, and nothing is inferred from them.
 */
export class RequestedResponses {
  readonly #store: ActivityStore;
  readonly #mostCalls: number;
  readonly #process = new Int32Column();
  readonly #key0 = new Int32Column();
  readonly #key1 = new Int32Column();
  readonly #index: KeyIndex;
  readonly #calls: (RequestedCall | undefined)[] = [];
  readonly #rows = new TableRows([this.#process, this.#key0, this.#key1]);
  readonly #byTrace = new Map<number, Map<string, RequestedResponse>>();
  /** Trace → span id of the model call → response. */
  readonly byTrace: ReadonlyMap<number, ReadonlyMap<string, RequestedResponse>> = this.#byTrace;

  constructor(store: ActivityStore, mostCalls: number) {
    this.#store = store;
    this.#mostCalls = mostCalls;
    this.#index = new KeyIndex([this.#key0, this.#key1, this.#process], store.hash);
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
    const keys = io.texts(
      calls.map(({ response, key0, key1 }) => `${response.process}:${key0}:${key1}`),
    );
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
      const response = this.#putResponse({
        process,
        trace,
        span0,
        span1,
        atMs,
        calls: [],
        ranMs,
        hasKeyedTools: keyed === 1,
      });
      for (const end = next + of; next < end; next++) {
        const [, key0 = 0, key1 = 0] = (keys[next] ?? "").split(":").map(Number);
        const [name = 0, state = 0] = ofCalls.slice(next * 2, next * 2 + 2);
        this.#putCall({ response, key0, key1, name, state: states[state] ?? "open" });
      }
    }
  }

  /** A call whose run is not decided. */
  callOf(process: number, key0: number, key1: number): RequestedCall | undefined {
    return this.#calls[this.#index.find(key0, key1, process, 0, 0)];
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

  /** The hashes of the calls, as `key0:key1`. */
  *hashes(): Generator<string> {
    for (const call of this.#calls) {
      if (call !== undefined) {
        yield `${call.key0}:${call.key1}`;
      }
    }
  }

  /** Adds a call to the response of a model call of a known trace; undefined when there is no room. */
  add(
    of: Pick<RequestedResponse, "process" | "trace" | "span0" | "span1" | "atMs">,
    call: Pick<RequestedCall, "key0" | "key1" | "name">,
  ): RequestedCall | undefined {
    if (this.#rows.size >= this.#mostCalls) {
      return undefined;
    }
    let response = this.#byTrace.get(of.trace)?.get(keyOf(of));
    if (response === undefined) {
      this.#store.traces.retain(of.trace);
      response = this.#putResponse({
        ...of,
        calls: [],
        ranMs: Number.POSITIVE_INFINITY,
        hasKeyedTools: false,
      });
    }
    return this.#putCall({ ...call, response, state: "open" });
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
    for (const { key0, key1 } of response.calls) {
      const row = this.#index.find(key0, key1, response.process, 0, 0);
      this.#index.remove(row);
      this.#calls[row] = undefined;
      this.#rows.release(row);
    }
    this.#store.traces.release(response.trace);
  }

  #putResponse(response: RequestedResponse): RequestedResponse {
    const ofTrace = this.#byTrace.get(response.trace) ?? new Map<string, RequestedResponse>();
    this.#byTrace.set(response.trace, ofTrace.set(keyOf(response), response));
    return response;
  }

  #putCall(call: RequestedCall): RequestedCall {
    const row = this.#rows.take();
    this.#process.set(row, call.response.process);
    this.#key0.set(row, call.key0);
    this.#key1.set(row, call.key1);
    this.#index.add(row);
    this.#calls[row] = call;
    call.response.calls.push(call);
    return call;
  }
}

function keyOf({ span0, span1 }: { readonly span0: number; readonly span1: number }): string {
  return `${span0}:${span1}`;
}

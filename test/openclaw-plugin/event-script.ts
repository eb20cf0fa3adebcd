import type { ActivityMap } from "../../openclaw-plugin/src/activity-map.ts";
import { parseAgentEvent } from "../../openclaw-plugin/src/agent-event.ts";
import { parseApprovalEvent } from "../../openclaw-plugin/src/approval-event.ts";
import {
  type ActivityEvent,
  parseDiagnosticEvent,
  parseHook,
} from "../../openclaw-plugin/src/gateway-event.ts";
import type { RelayRecord } from "../../openclaw-plugin/src/relay-record.ts";
import { createMap, drawn } from "./golden.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Feeds events written by hand to a mapping. Each gets the next sequence number and the next millisecond. */
export class EventScript {
  readonly map: ActivityMap;
  readonly #records: RelayRecord[][] = [];
  #seq = 0;

  constructor(map: ActivityMap = createMap()) {
    this.map = map;
  }

  /** A trusted event of the run `runId`, in the session of the same name unless `fields` say otherwise. */
  event(type: string, runId: string | undefined, fields: Fields = {}): this {
    this.#seq += 1;
    const event = {
      type,
      ...(runId === undefined ? {} : { runId, sessionKey: `agent:main:${runId}` }),
      seq: this.#seq,
      ts: this.#seq,
      ...fields,
    };
    return this.#take(parseDiagnosticEvent(event, { trusted: true }, event.ts));
  }

  /** An event of the gateway itself about the session `sessionKey`. */
  gateway(type: string, sessionKey: string, fields: Fields = {}): this {
    this.#seq += 1;
    const event = { type, sessionKey, seq: this.#seq, ts: this.#seq, ...fields };
    return this.#take(parseDiagnosticEvent(event, { internal: true, trusted: false }, event.ts));
  }

  /** An agent event of the run `runId`, in the session of the same name unless `fields` say otherwise. */
  agent(stream: string, runId: string, data: Fields, fields: Fields = {}): this {
    this.#seq += 1;
    const event = {
      stream,
      runId,
      sessionKey: `agent:main:${runId}`,
      data,
      ts: this.#seq,
      ...fields,
    };
    return this.#take(parseAgentEvent(event, event.ts));
  }

  /** What a client of the gateway's approvals is sent. */
  approval(name: string, payload: unknown): this {
    this.#seq += 1;
    return this.#take(parseApprovalEvent(name, payload, this.#seq));
  }

  hook(name: string, event: Fields, context: Fields = {}): this {
    return this.#take(parseHook({ name, event, context }, this.#seq));
  }

  /** Everything so far as text, see `drawn`; line numbers are those of the calls. */
  drawn(): string {
    return drawn(this.#records, 0);
  }

  records(): readonly RelayRecord[] {
    return this.#records.flat();
  }

  #take(parsed: ActivityEvent | undefined): this {
    this.#records.push(parsed === undefined ? [] : [...this.map.apply(parsed)]);
    return this;
  }
}

import { BoundedMap } from "./bounded-map.ts";
import type { PauseEvent, WorkEvent } from "./gateway-event.ts";
import { isOfRun, type Work } from "./gateway-work.ts";
import type { Pseudonyms } from "./pseudonyms.ts";
import type { PauseRecord } from "./relay-record.ts";

interface Pause {
  readonly work: Work;
  readonly event: PauseEvent;
  readonly record: PauseRecord;
}

interface Moment {
  readonly seq: number;
  readonly atMs: number;
}

/** OpenClaw's tool that puts a question to the user: while it is open, a person is waited for. */
const questionTool = "ask_user";

/**
 * The approvals that are waited for. Each ends when it is resolved, with the work that waits for it, or when there are
 * more than a thousand and it is the oldest.
 */
export class OpenPauses {
  readonly #pseudonyms: Pseudonyms;
  readonly #open = new BoundedMap<string, Pause>(1_024);

  constructor(pseudonyms: Pseudonyms) {
    this.#pseudonyms = pseudonyms;
  }

  /** An approval is waited for by `work`. */
  begin(event: PauseEvent, work: Work, seq: number): readonly PauseRecord[] {
    const key = keyOf(event);
    if (this.#open.get(key) !== undefined) {
      return [];
    }
    const record: PauseRecord = {
      signal: "pause",
      event: "gen_ai.agent.paused",
      pause: this.#pseudonyms.pause(key),
      session: work.session,
      traceId: work.traceId,
      spanId: work.spanId,
      seq,
      atMs: event.atMs,
    };
    const forgotten = this.#open.set(key, { work, event, record });
    return forgotten === undefined ? [record] : [resumed(forgotten, record), record];
  }

  /** `work` started, which may be a question that is waited for until it ends. */
  beginQuestion(start: WorkEvent, work: Work): readonly PauseRecord[] {
    if (work.kind !== "tool" || work.name !== questionTool) {
      return [];
    }
    const { runId, sessionKey, sessionId, callId, atMs } = start;
    const reference = { runId, sessionKey, sessionId, callId, approvalId: undefined };
    return this.begin({ type: "pause", ...reference, isBeforeStart: false, atMs }, work, start.seq);
  }

  /** An approval is resolved. Where that says only which tool it was for, all that this tool waits for. */
  end(event: PauseEvent, seq: number): readonly PauseRecord[] {
    const key = keyOf(event);
    const isMeant = (pause: Pause, of: string) =>
      of === key ||
      (event.approvalId === undefined &&
        pause.event.callId === event.callId &&
        pause.work.tree.id === event.runId);
    return this.#endAll(isMeant, { seq, atMs: event.atMs });
  }

  /** `work` ended: nothing in it waits any longer, nor does it wait to start. */
  endWith(work: Work, moment: Moment): readonly PauseRecord[] {
    return this.#endAll((pause) => isOfRun(pause.work, work) || isForStartOf(pause, work), moment);
  }

  /** `work` started: it does not wait for that any longer. */
  endBefore(work: Work, moment: Moment): readonly PauseRecord[] {
    return this.#endAll((pause) => isForStartOf(pause, work), moment);
  }

  /** What began every pause that is still on. */
  open(): readonly PauseRecord[] {
    return Array.from(this.#open.entries(), ([, { record }]) => record);
  }

  #endAll(isMeant: (pause: Pause, key: string) => boolean, moment: Moment): readonly PauseRecord[] {
    if (this.#open.size === 0) {
      return [];
    }
    const records: PauseRecord[] = [];
    for (const [key, pause] of this.#open.entries()) {
      if (isMeant(pause, key)) {
        this.#open.delete(key);
        records.push(resumed(pause, moment));
      }
    }
    return records;
  }
}

function isForStartOf({ event, work }: Pause, started: Work): boolean {
  return (
    event.isBeforeStart &&
    started.kind === "tool" &&
    event.callId === started.callId &&
    work.tree === started.tree
  );
}

function keyOf({ approvalId, runId, callId }: PauseEvent): string {
  return approvalId ?? `${runId ?? ""}\0${callId ?? ""}`;
}

/** It never ends before it began, whatever the clock did. */
function resumed({ record }: Pause, { seq, atMs }: Moment): PauseRecord {
  return { ...record, event: "gen_ai.agent.resumed", seq, atMs: Math.max(record.atMs, atMs) };
}

import { OldestFirstMap } from "../../src/collections/oldest-first-map.ts";
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

/** OpenClaw's tool that asks the user a question. While it is open, the run waits for a person. */
const questionTool = "ask_user";

/**
 * The open pauses: approvals and questions that work waits for. A pause ends when it is resolved or when its work ends. At
 * more than 1 024 pauses the oldest ends, too.
 */
export class OpenPauses {
  readonly #pseudonyms: Pseudonyms;
  readonly #open = new OldestFirstMap<string, Pause>(1_024);

  constructor(pseudonyms: Pseudonyms) {
    this.#pseudonyms = pseudonyms;
  }

  /** `work` begins to wait for an approval. */
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

  /** `work` started. If it is a question, a pause lasts until it ends. */
  beginQuestion(start: WorkEvent, work: Work): readonly PauseRecord[] {
    if (work.kind !== "tool" || work.name !== questionTool) {
      return [];
    }
    const { runId, sessionKey, sessionId, callId, atMs } = start;
    const reference = { runId, sessionKey, sessionId, callId, approvalId: undefined };
    return this.begin({ type: "pause", ...reference, isBeforeStart: false, atMs }, work, start.seq);
  }

  /** An approval is resolved. If the event names only the tool, all approvals that this tool waits for are. */
  end(event: PauseEvent, seq: number): readonly PauseRecord[] {
    const key = keyOf(event);
    const isResolved = (pause: Pause, of: string) =>
      of === key ||
      (event.approvalId === undefined &&
        pause.event.callId === event.callId &&
        pause.work.tree.id === event.runId);
    return this.#endAll(isResolved, { seq, atMs: event.atMs });
  }

  /** `work` ended, and with it all pauses inside it and all pauses before its start. */
  endWith(work: Work, moment: Moment): readonly PauseRecord[] {
    return this.#endAll((pause) => isOfRun(pause.work, work) || isForStartOf(pause, work), moment);
  }

  /** `work` started, which ends all pauses before its start. */
  endBefore(work: Work, moment: Moment): readonly PauseRecord[] {
    return this.#endAll((pause) => isForStartOf(pause, work), moment);
  }

  /** The records that began the open pauses. */
  open(): readonly PauseRecord[] {
    return Array.from(this.#open.entries(), ([, { record }]) => record);
  }

  #endAll(matches: (pause: Pause, key: string) => boolean, moment: Moment): readonly PauseRecord[] {
    if (this.#open.size === 0) {
      return [];
    }
    const records: PauseRecord[] = [];
    for (const [key, pause] of this.#open.entries()) {
      if (matches(pause, key)) {
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

/** The record that ends a pause. Its time is never before the beginning, even if the clock was set back. */
function resumed({ record }: Pause, { seq, atMs }: Moment): PauseRecord {
  return { ...record, event: "gen_ai.agent.resumed", seq, atMs: Math.max(record.atMs, atMs) };
}

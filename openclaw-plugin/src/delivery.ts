import type { HttpClient } from "../../src/sender/http-client.ts";
import { Sender } from "../../src/sender/sender.ts";
import { keepProcessAlive, systemClock } from "../../src/system-clock.ts";
import { isOwner } from "./gateway-work.ts";
import { heartbeatSeconds, type OtlpEncoder, type ProcessRecord } from "./otlp.ts";
import { createRecordQueue } from "./record-queue.ts";
import type { RelayRecord, SpanRecord } from "./relay-record.ts";

export interface DeliveryOptions {
  readonly client: HttpClient;
  readonly encoder: OtlpEncoder;
  readonly log: Log;
  /** How long the first record of a batch waits for others. */
  readonly flushMs: number;
  /** How many records may wait. */
  readonly maxQueue: number;
  /** Called whenever sending starts, to push records that are ready. */
  readonly collect: () => void;
  /**
   * Returns the records that a restarted collector needs. `deliveredMs` returns when the collector accepted a record, by the
   * clock of `nowMs`.
   */
  readonly resend: (
    nowMs: number,
    deliveredMs: (record: SpanRecord) => number | undefined,
  ) => readonly RelayRecord[];
  /** How many records were lost before they reached the delivery. */
  readonly lostBefore: () => number;
}

export interface Log {
  info(message: string): void;
  warn(message: string): void;
}

/** Delivers records to the collector: in order, in batches, again after it was away, with heartbeats between them. */
export interface Delivery {
  push(record: RelayRecord): void;
  /** Announces that there are records to collect. They are collected and sent `flushMs` later. */
  announce(): void;
  /** Waiting records; records the collector accepted; records other than starts that it will never receive. */
  counts(): { readonly queued: number; readonly sent: number; readonly lost: number };
  /**
   * Sends the waiting records, then the last event. Resolves within `withinMs`, even if the collector does not answer. While
   * the collector is away, `openclaw.activity.unwatched` is retried in the background: without it the collector would consider
   * the process dead.
   */
  stop(withinMs: number, event: LastEvent): Promise<void>;
}

/** `entity.delete`: the process ends. `openclaw.activity.unwatched`: it keeps running, but its work is no longer watched. */
type LastEvent = Exclude<ProcessRecord["event"], "entity.state">;

type Outgoing = RelayRecord | ProcessRecord;

/** After this time the collector has dropped the work of an unwatched process anyway. */
const longestBackgroundMs = 12 * 3_600_000;

/** How many records go into one request. */
const maxBatch = 2_048;

const backOff = { firstMs: 500, longestMs: 30_000, longestAskedMs: 300_000 };

export function startDelivery(options: DeliveryOptions): Delivery {
  const { encoder, log } = options;
  const queue = createRecordQueue(options.maxQueue);
  /** When the collector accepted the end of a run or harness run. */
  const deliveredMs = new WeakMap<RelayRecord, number>();
  /** Events of the process: one is sent before all records, one after them. */
  let firstEvent: ProcessRecord["event"] | undefined = "entity.state";
  let lastEvent: LastEvent | undefined;
  let stopping: Promise<void> | undefined;
  let sent = 0;
  let refused = 0;
  let lastRefusal = "";

  const counts = () => ({ queued: queue.length, sent, lost: queue.lost + refused });

  const processRecord = (event: ProcessRecord["event"]): ProcessRecord => {
    const lost = counts().lost + options.lostBefore();
    return { signal: "process", event, atMs: systemClock.unixMs(), lost };
  };

  /** Removes a batch that was accepted or refused. Returns its records. */
  const remove = (batch: readonly Outgoing[]): readonly RelayRecord[] => {
    const [first] = batch;
    if (first?.signal === "process") {
      firstEvent = undefined;
      if (first.event === lastEvent) {
        lastEvent = undefined;
        sender.close();
      }
    }
    const records = batch.filter((record) => record.signal !== "process");
    queue.remove(records);
    return records;
  };

  const sender = new Sender<Outgoing>({
    client: options.client,
    clock: systemClock,
    keepAlive: keepProcessAlive,
    backOff,
    chance: Math.random,
    onStart: options.collect,
    next() {
      const batch = firstEvent === undefined ? queue.head(maxBatch) : [];
      const event = batch.length === 0 ? (firstEvent ?? lastEvent) : undefined;
      return event === undefined ? batch : [processRecord(event)];
    },
    async encode(batch) {
      const spans = batch.filter((record) => record.signal === "span");
      const others = batch.filter((record) => record.signal !== "span");
      return spans.length > 0
        ? { signal: "traces", body: encoder.traces(spans) }
        : { signal: "logs", body: encoder.logs(others) };
    },
    onAccepted(batch, { wasAway, isReconnected }) {
      const nowMs = systemClock.nowMs();
      if (wasAway) {
        log.info(`The activity collector accepts records again; ${counts().lost} were lost.`);
      }
      if ((wasAway || isReconnected) && stopping === undefined) {
        for (const record of options.resend(nowMs, (each) => deliveredMs.get(each))) {
          queue.push(record);
        }
      }
      for (const record of remove(batch)) {
        sent += 1;
        const isEndOfRun = record.signal === "span" && record.phase === "end" && isOwner(record);
        if (isEndOfRun && !deliveredMs.has(record)) {
          deliveredMs.set(record, nowMs);
        }
      }
    },
    onRefused(batch, message) {
      refused += remove(batch).length;
      if (message !== lastRefusal) {
        lastRefusal = message;
        log.warn(
          `The activity collector refused records, which are lost: ${clauseOf(message)}. Check "endpoint" and "headers" of the plugin.`,
        );
      }
    },
    onAway(message, failures) {
      if (failures === 1 && stopping === undefined) {
        log.warn(
          `The activity collector cannot be reached (${clauseOf(message)}). Records wait in a queue; the gateway is not affected.`,
        );
      }
    },
  });

  const stopHeartbeats = systemClock.every(heartbeatSeconds * 1_000, () => {
    firstEvent = "entity.state";
    sender.wake(0);
  });
  sender.wake(0);

  const stop = async (untilMs: number, event: LastEvent) => {
    stopHeartbeats();
    options.collect();
    firstEvent = undefined;
    lastEvent = event;
    await sender.flush(untilMs - systemClock.nowMs());
    if (lastEvent === "entity.delete") {
      // The process ends now, so this event is sent before records that the collector does not accept.
      firstEvent = lastEvent;
      await sender.flush(untilMs - systemClock.nowMs());
      sender.close();
    } else if (lastEvent !== undefined) {
      systemClock.after(longestBackgroundMs, () => sender.close());
    }
  };

  return {
    push: (record) => queue.push(record),
    announce: () => sender.wake(options.flushMs),
    counts,
    stop(withinMs, event) {
      stopping ??= stop(systemClock.nowMs() + withinMs, event);
      return stopping;
    },
  };
}

/** Turns a sentence into a clause of another sentence. */
function clauseOf(sentence: string): string {
  return sentence.replace(/^(It|No|They)\b/, (word) => word.toLowerCase()).replace(/\.$/, "");
}

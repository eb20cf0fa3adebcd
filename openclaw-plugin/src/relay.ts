import { createHttpClient } from "../../src/sender/http-client.ts";
import { systemClock } from "../../src/system-clock.ts";
import { ActivityMap } from "./activity-map.ts";
import { parseAgentEvent } from "./agent-event.ts";
import { parseApprovalEvent } from "./approval-event.ts";
import { isWanted, type RelayConfig } from "./config.ts";
import { type Log, startDelivery } from "./delivery.ts";
import { type ActivityEvent, parseDiagnosticEvent, parseHook } from "./gateway-event.ts";
import { OtlpEncoder } from "./otlp.ts";
import { createPseudonyms } from "./pseudonyms.ts";
import { version } from "./relay-version.ts";
import type { Resource } from "./resource.ts";

export interface RelayOptions {
  readonly config: RelayConfig;
  readonly resource: Resource;
  /** Secret of the pseudonyms: at least 32 random bytes, created at every start and stored nowhere. */
  readonly key: Uint8Array;
  readonly log: Log;
  /** Until this time (Unix ms) another relay of this process reported its work; then it stopped watching. */
  readonly reportedUntilMs?: number;
  /** How long the first record of a batch waits for others; default 1 s. */
  readonly flushMs?: number;
  /** How many records may wait; default 16 384. */
  readonly maxQueue?: number;
  /** A monotonic clock, in ms; default `performance.now`. */
  readonly nowMs?: () => number;
}

/** Counts of one relay since its start. */
export interface RelayCounts {
  /** Pieces of work that are open now. */
  readonly open: number;
  /** Records that wait to be sent. */
  readonly queued: number;
  /** Records the collector accepted. */
  readonly sent: number;
  /** Records other than starts that were dropped or refused, and open work that was forgotten because there was too much. */
  readonly lost: number;
  /** Events left out because of a bug in the relay. */
  readonly failed: number;
}

/** Reports the activity of this process to a collector. No method throws or rejects. */
export interface Relay {
  /** Accepts the arguments of a listener of diagnostic events. Sends nothing before it returns. */
  event(event: unknown, metadata: unknown): void;
  /** Accepts the argument of a listener of agent events. */
  agentEvent(event: unknown): void;
  /** Accepts an event that OpenClaw sends to a client of its approvals. */
  approval(name: string, payload: unknown): void;
  /** Accepts the arguments of a plugin hook. */
  hook(name: string, event: unknown, context: unknown): void;
  counts(): RelayCounts;
  /**
   * Sends the waiting records and then reports that the process ends. Resolves within `withinMs` (default 1 800), even if the
   * collector does not answer.
   */
  stop(withinMs?: number): Promise<void>;
  /**
   * The same for a process that keeps running: reports that its open work is no longer watched. While the collector is away,
   * that report is retried in the background for twelve hours.
   */
  leave(withinMs?: number): Promise<void>;
}

/** How many events may wait to be parsed. Parsing so many takes about four milliseconds. */
const maxInbox = 1_024;

/** Starts a relay. Its first heartbeat goes out at once. */
export function startRelay(options: RelayOptions): Relay {
  const { config, log } = options;
  const nowMs = options.nowMs ?? (() => performance.now());
  const map = new ActivityMap({
    pseudonyms: createPseudonyms(options.key),
    ...(options.reportedUntilMs === undefined ? {} : { reportedUntilMs: options.reportedUntilMs }),
  });
  let failed = 0;
  let isStopped = false;
  // Events are kept unparsed and parsed together: one by one, each would find the CPU's caches cold, which costs three times
  // as much. It also keeps OpenClaw's own dispatch short.
  let inbox: (() => ActivityEvent | undefined)[] = [];

  // A bug in the relay must not become one of the gateway.
  const orLeaveOut = (step: () => void): void => {
    try {
      step();
    } catch (error) {
      failed += 1;
      if (failed === 1) {
        const kind = error instanceof Error ? error.name : typeof error;
        log.warn(
          `An event was left out because of a bug in the plugin (${kind}). Further ones are left out without a message.`,
        );
      }
    }
  };

  const apply = (event: ActivityEvent | undefined): void => {
    if (event !== undefined && isReported(event, config)) {
      for (const record of map.apply(event)) {
        if (record.signal !== "pause" || config.kinds.has("pause")) {
          delivery.push(record);
        }
      }
    }
  };

  const collect = (): void => {
    const reads = inbox;
    inbox = [];
    for (const read of reads) {
      orLeaveOut(() => apply(read()));
    }
  };

  const delivery = startDelivery({
    client: createHttpClient({
      endpoint: config.endpoint,
      headers: { "user-agent": `openclaw-activity-relay/${version}`, ...config.headers },
      timeoutMs: 10_000,
      clock: systemClock,
    }),
    encoder: new OtlpEncoder(options.resource),
    log,
    flushMs: options.flushMs ?? 1_000,
    maxQueue: options.maxQueue ?? 16_384,
    collect,
    resend: (atMs, deliveredMs) =>
      map
        .resend(atMs, deliveredMs)
        .filter(({ signal }) => signal !== "pause" || config.kinds.has("pause")),
    lostBefore: () => map.givenUp,
  });

  const take = (read: () => ActivityEvent | undefined): void => {
    if (isStopped) {
      return;
    }
    inbox.push(read);
    if (inbox.length === 1) {
      delivery.announce();
    } else if (inbox.length >= maxInbox) {
      collect();
    }
  };

  return {
    event(event, metadata) {
      const receivedMs = nowMs();
      take(() => parseDiagnosticEvent(event, metadata, receivedMs));
    },
    agentEvent(event) {
      // Most agent events are parts of an answer, so they are parsed at once and not kept.
      orLeaveOut(() => {
        const parsed = parseAgentEvent(event, nowMs());
        if (parsed !== undefined) {
          take(() => parsed);
        }
      });
    },
    approval(name, payload) {
      const atMs = Date.now();
      take(() => parseApprovalEvent(name, payload, atMs));
    },
    hook(name, event, context) {
      const atMs = Date.now();
      take(() => parseHook({ name, event, context }, atMs));
    },
    counts() {
      collect();
      const { queued, sent, lost } = delivery.counts();
      return { open: map.openCount, queued, sent, lost: lost + map.givenUp, failed };
    },
    async stop(withinMs = 1_800) {
      isStopped = true;
      await delivery.stop(withinMs, "entity.delete");
    },
    async leave(withinMs = 1_800) {
      isStopped = true;
      await delivery.stop(withinMs, "openclaw.activity.unwatched");
    },
  };
}

function isReported(event: ActivityEvent, config: RelayConfig): boolean {
  switch (event.type) {
    case "start":
    case "end":
    case "progress":
      return isWanted(event.kind, config);
    case "session_start":
    case "session_end":
      return config.kinds.has("session");
    case "pause":
    case "resume":
      return config.kinds.has("pause");
    case "claim":
      return config.kinds.has("claim");
    case "spawn":
      return true;
    default: {
      const never: never = event;
      return never;
    }
  }
}

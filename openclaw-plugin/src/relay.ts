import { type ActivityEvent, parseDiagnosticEvent, parseHook } from "./activity-event.ts";
import { ActivityMap } from "./activity-map.ts";
import { isWanted, type RelayConfig } from "./config.ts";
import { Delivery, type Log } from "./delivery.ts";
import { createHttpSender } from "./http-sender.ts";
import { heartbeatSeconds, OtlpEncoder } from "./otlp.ts";
import { createPseudonyms } from "./pseudonyms.ts";
import type { Resource } from "./resource.ts";

export interface RelayOptions {
  readonly config: RelayConfig;
  readonly resource: Resource;
  /** Secret of the pseudonyms: at least 32 random bytes, new with every start and kept nowhere. */
  readonly key: Uint8Array;
  readonly log: Log;
  /** How long records wait for company; default 1 s. */
  readonly flushMs?: number;
  /** How many records wait at most; default 16 384. */
  readonly maxQueue?: number;
}

/** What the relay did so far. */
export interface RelayCounts {
  /** Pieces of work that are open now. */
  readonly open: number;
  /** Records that wait to be sent. */
  readonly queued: number;
  /** Records the collector took. */
  readonly sent: number;
  /** Ends and session events that never reached it, and open work given up, for want of room or because it refused. */
  readonly lost: number;
  /** Events left out because of a defect of the relay. */
  readonly failed: number;
}

/** Tells a collector what happens in this process. No method throws or rejects. */
export interface Relay {
  /** Takes what OpenClaw hands to a listener of diagnostic events. Sends nothing before it returns. */
  event(event: unknown, metadata: unknown): void;
  /** Takes what OpenClaw hands to a plugin hook. */
  hook(name: string, event: unknown, context: unknown): void;
  counts(): RelayCounts;
  /** Sends what waits and says good-bye. Resolves within `withinMs` (default 1 800), whatever the collector does. */
  stop(withinMs?: number): Promise<void>;
}

/** How many events wait at most to be looked at: so many take some four milliseconds. */
const maxInbox = 1_024;

/** Starts a relay. Its first heartbeat goes out at once. */
export function startRelay(options: RelayOptions): Relay {
  const { config, log } = options;
  const map = new ActivityMap({ pseudonyms: createPseudonyms(options.key) });
  let failed = 0;
  let isStopped = false;
  // Events are kept as they came and looked at together: one by one, each would find the processor's caches cold,
  // which costs three times as much. It also keeps OpenClaw's own dispatch short.
  let inbox: (() => ActivityEvent | undefined)[] = [];

  const collect = (): void => {
    const reads = inbox;
    inbox = [];
    for (const read of reads) {
      try {
        const event = read();
        if (event !== undefined && isToldAbout(event, config)) {
          for (const record of map.apply(event)) {
            delivery.push(record);
          }
        }
      } catch (error) {
        // A defect of the relay must not become one of the gateway.
        failed += 1;
        if (failed === 1) {
          const kind = error instanceof Error ? error.name : typeof error;
          log.warn(`An event could not be read (${kind}) and was left out; so will others be.`);
        }
      }
    }
  };

  const delivery = new Delivery({
    sender: createHttpSender(config),
    encoder: new OtlpEncoder(options.resource),
    log,
    flushMs: options.flushMs ?? 1_000,
    heartbeatMs: heartbeatSeconds * 1_000,
    maxQueue: options.maxQueue ?? 16_384,
    collect,
    resend: (nowMs, toldMs) => map.resend(nowMs, toldMs),
    lostBefore: () => map.givenUp,
    chance: Math.random,
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
    event: (event, metadata) => take(() => parseDiagnosticEvent(event, metadata)),
    hook(name, event, context) {
      const nowMs = Date.now();
      take(() => parseHook({ name, event, context }, nowMs));
    },
    counts() {
      collect();
      return {
        open: map.openCount,
        queued: delivery.queued,
        sent: delivery.sent,
        lost: delivery.lost + map.givenUp,
        failed,
      };
    },
    async stop(withinMs = 1_800) {
      isStopped = true;
      await delivery.stop(withinMs);
    },
  };
}

function isToldAbout(event: ActivityEvent, config: RelayConfig): boolean {
  switch (event.type) {
    case "start":
    case "end":
      return isWanted(event.kind, config);
    case "session_start":
    case "session_end":
      return config.kinds.has("session");
    case "spawn":
      return true;
    default: {
      const never: never = event;
      return never;
    }
  }
}

import type { Chance } from "./chance.ts";
import { aTrueClock, type ClockHabits, clockOf } from "./sender-clock.ts";
import { createSiblings, type Siblings } from "./sibling-processes.ts";
import type { Gap, GatewayProcess } from "./story.ts";

/** How long the processes of a gateway live and how they end. */
export interface Lives {
  readonly hosts: number;
  /** Mean life of a process; Infinity when all outlive the story. */
  readonly meanLifeMs: number;
  /** Of those that end, the part that is killed. */
  readonly killedShare: number;
  /** Clocks of hosts are wrong by up to that. */
  readonly skewMs: number;
  /** Hosts that go away for good, and when. */
  readonly lostHosts: number;
  readonly lostHostsAtMs: number;
  /** What the clocks of processes do, besides; else they are true to their host. */
  readonly clocks?: ClockHabits;
  /** How often, on average, the work of a process is not watched for a while, and for how long at most. */
  readonly unwatched?: { readonly everyMs: number; readonly longestMs: number };
  /** Several processes on a host at once; else one follows the other. */
  readonly siblings?: Siblings;
}

/** Processes that follow each other, of one host or of one slot on it. */
export function createProcesses(
  lives: Lives,
  lastsMs: number,
  chance: Chance,
): readonly (readonly GatewayProcess[])[] {
  const { siblings } = lives;
  if (siblings !== undefined) {
    return createSiblings({ ...lives, siblings }, lastsMs, chance);
  }
  let count = 0;
  return Array.from({ length: lives.hosts }, (_, host) => {
    const skewMs = Math.round(chance.between(-lives.skewMs, lives.skewMs));
    const isLost = host < lives.lostHosts;
    const goneMs = isLost ? lives.lostHostsAtMs : Number.POSITIVE_INFINITY;
    const ofHost: GatewayProcess[] = [];
    for (let bornMs = 0; bornMs < Math.min(lastsMs, goneMs); ) {
      const lifeMs = Number.isFinite(lives.meanLifeMs)
        ? Math.max(60_000, chance.exponential(lives.meanLifeMs))
        : Number.POSITIVE_INFINITY;
      const endsMs = bornMs + lifeMs < lastsMs ? bornMs + lifeMs : Number.POSITIVE_INFINITY;
      const diesMs = Math.min(endsMs, goneMs);
      const isKilled = diesMs === goneMs || chance.happens(lives.killedShare);
      const index = count++;
      ofHost.push({
        index,
        host: `host-${host}`,
        pid: 1000 + index,
        instance: chance.hex(8),
        beatMs: 0,
        unwatched: gapsOf(lives, { fromMs: bornMs, toMs: Math.min(diesMs, lastsMs) }, chance),
        isFork: false,
        clock:
          lives.clocks === undefined
            ? aTrueClock
            : clockOf(lives.clocks, { fromMs: bornMs, toMs: Math.min(diesMs, lastsMs) }, chance),
        skewMs,
        bornMs,
        diesMs,
        death: isKilled ? "killed" : "stops",
      });
      bornMs = diesMs + chance.magnitude(2_000, 60_000);
    }
    return ofHost;
  });
}

function gapsOf(
  { unwatched }: Lives,
  life: { readonly fromMs: number; readonly toMs: number },
  chance: Chance,
): readonly Gap[] {
  const gaps: Gap[] = [];
  for (let atMs = life.fromMs; unwatched !== undefined; ) {
    const fromMs = atMs + 60_000 + chance.exponential(unwatched.everyMs);
    const toMs = fromMs + chance.magnitude(500, unwatched.longestMs);
    if (toMs + 60_000 > life.toMs) {
      return gaps;
    }
    gaps.push({ fromMs, toMs });
    atMs = toMs;
  }
  return gaps;
}

import type { Chance } from "./chance.ts";
import type { Lives } from "./processes.ts";
import { aTrueClock } from "./sender-clock.ts";
import type { GatewayProcess } from "./story.ts";

/** How several processes of one service live on one host at once. */
export interface Siblings {
  /** Slots of a host, in each of which one process follows the other. */
  readonly leastSlots: number;
  readonly mostSlots: number;
  /** Slots whose processes promise heartbeats by entity events, where their dialect has none of its own. */
  readonly beatingShare: number;
  /** Processes that fork: the child has the resource of its parent, and its own sessions. */
  readonly forkShare: number;
  /** Sessions with the name of one that another slot of the host has at the same time. */
  readonly twinShare: number;
}

const beatMs = 10_000;
/** How long the successor of a process that stops lives beside it. */
const overlap = { fromMs: 5_000, toMs: 120_000 };
const restart = { fromMs: 2_000, toMs: 60_000 };
const shortestLifeMs = 180_000;

interface Slot {
  readonly host: string;
  readonly isContainer: boolean;
  readonly namesInstance: boolean;
  readonly beatMs: number;
  readonly skewMs: number;
}

/** Processes of each slot, by their birth. Forks have slots of their own. */
export function createSiblings(
  lives: Lives & { readonly siblings: Siblings },
  lastsMs: number,
  chance: Chance,
): readonly (readonly GatewayProcess[])[] {
  const { leastSlots, mostSlots, beatingShare, forkShare } = lives.siblings;
  let next = 0;
  const lanes: GatewayProcess[][] = [];
  for (let host = 0; host < lives.hosts; host++) {
    // Of three hosts the processes of one are containers with one host name, each pid 1, so that only the instance id
    // distinguishes them; those of the second have none, and those of the third have both.
    const isContainer = host % 3 === 0;
    const ofHost = {
      host: `host-${host}`,
      isContainer,
      namesInstance: host % 3 !== 1,
      skewMs: Math.round(chance.between(-lives.skewMs, lives.skewMs)),
    };
    const slots = leastSlots + chance.below(mostSlots - leastSlots + 1);
    for (let slot = 0; slot < slots; slot++) {
      const about = { ...ofHost, beatMs: chance.happens(beatingShare) ? beatMs : 0 };
      const processes = successionOf(about, () => next++, { lives, lastsMs, chance });
      lanes.push(processes);
      for (const parent of processes.filter(() => chance.happens(forkShare))) {
        // The child is what its parent is, its dialect included.
        next += (((parent.index - next) % 4) + 4) % 4;
        lanes.push([forkOf(parent, next++, { lastsMs, chance })]);
      }
    }
  }
  return lanes;
}

function successionOf(
  slot: Slot,
  nextIndex: () => number,
  by: { readonly lives: Lives; readonly lastsMs: number; readonly chance: Chance },
): GatewayProcess[] {
  const { lives, lastsMs, chance } = by;
  const processes: GatewayProcess[] = [];
  // They don't all start at the same moment.
  for (let bornMs = chance.between(0, 60_000); bornMs < lastsMs; ) {
    const endsMs = bornMs + Math.max(shortestLifeMs, chance.exponential(lives.meanLifeMs));
    const diesMs = endsMs < lastsMs ? endsMs : Number.POSITIVE_INFINITY;
    const isKilled = chance.happens(lives.killedShare);
    const index = nextIndex();
    processes.push({
      index,
      host: slot.host,
      pid: slot.isContainer ? 1 : 1_000 + index,
      instance: slot.namesInstance ? chance.hex(8) : "",
      beatMs: slot.beatMs,
      isFork: false,
      unwatched: [],
      clock: aTrueClock,
      skewMs: slot.skewMs,
      bornMs,
      diesMs,
      death: isKilled ? "killed" : "stops",
    });
    bornMs = isKilled
      ? diesMs + chance.magnitude(restart.fromMs, restart.toMs)
      : diesMs - chance.magnitude(overlap.fromMs, overlap.toMs);
  }
  return processes;
}

/** A child that its parent outlives. Only its parent sends heartbeats, so its own death shows nowhere. */
function forkOf(
  parent: GatewayProcess,
  index: number,
  { lastsMs, chance }: { readonly lastsMs: number; readonly chance: Chance },
): GatewayProcess {
  const untilMs = Math.min(parent.diesMs, lastsMs);
  const bornMs = chance.between(parent.bornMs + 1_000, (parent.bornMs + untilMs) / 2);
  const diesMs = chance.between(bornMs + 1_000, untilMs - 1_000);
  return { ...parent, index, isFork: true, beatMs: 0, bornMs, diesMs };
}

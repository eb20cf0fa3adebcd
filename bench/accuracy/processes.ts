import type { Chance } from "./chance.ts";
import type { GatewayProcess } from "./story.ts";

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
}

/** Processes of each host, one after the other. */
export function createProcesses(
  lives: Lives,
  lastsMs: number,
  chance: Chance,
): readonly (readonly GatewayProcess[])[] {
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

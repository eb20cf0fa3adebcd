import { ArrivalTimes } from "../../../bench/accuracy/arrival-times.ts";
import { Calendar } from "../../../bench/accuracy/calendar.ts";
import { Chance } from "../../../bench/accuracy/chance.ts";
import { writeStory } from "../../../bench/accuracy/gateway.ts";
import { holdersOf, Ownership } from "../../../bench/accuracy/holders.ts";
import { Network } from "../../../bench/accuracy/network.ts";
import { Owners } from "../../../bench/accuracy/owners.ts";
import type { Scenario } from "../../../bench/accuracy/scenarios.ts";
import type { SenderSignal } from "../../../bench/accuracy/sender-dialect.ts";
import type { StateSample } from "../../../bench/accuracy/state-samples.ts";
import { isMarker, isRun, ownerOf, type Story, type Work } from "../../../bench/accuracy/story.ts";
import { TrueStates } from "../../../bench/accuracy/true-states.ts";
import { DeliveredView } from "../../../bench/accuracy/views.ts";
import { enterStory } from "../../../bench/accuracy/world.ts";

interface Arrival {
  readonly signal: SenderSignal;
  readonly atMs: number;
}

const limits = { stalledAfterMs: 120_000, longRunningAfterMs: 300_000 };

/** Lets a world happen without a collector: which signals arrive, and when. */
async function arrivalsOf({ world }: Scenario, story: Story, chance: Chance) {
  const calendar = new Calendar();
  const delivered: Arrival[] = [];
  const arrivals = new ArrivalTimes(story);
  let nowMs = 0;
  const recording = {
    record(signal: SenderSignal, atMs: number) {
      delivered.push({ signal, atMs });
      arrivals.record(signal, atMs);
    },
  };
  enterStory(
    world,
    story,
    {
      calendar,
      network: new Network(world.faults, chance.fork()),
      collector: { isUp: true, consume: async () => true, waitsToBeRead: () => false },
      arrivals: recording,
      flushMs: world.flushMs,
      now: () => nowMs,
    },
    chance.fork(),
  );
  const overMs = world.habits.lastsMs + world.tailMs;
  while (calendar.nextMs <= overMs) {
    const next = calendar.take();
    nowMs = next?.atMs ?? nowMs;
    await next?.act();
  }
  return { delivered, arrivals };
}

/**
 * A collector that at any moment derives the states from all that has arrived until then, anew: as slow as it is
 * simple. It evicts orphans without a holder, once the lateness has passed since the last signal arrived.
 */
export async function idealOutcome(scenario: Scenario, seed: number, everyMs = 17_300) {
  const chance = new Chance(seed);
  const story = writeStory(scenario.world.habits, chance.fork());
  const owners = new Owners(story, scenario.world.mode);
  const { delivered, arrivals } = await arrivalsOf(scenario, story, chance);
  const samples: StateSample[] = [];
  const evicted = new Map<Work, number>();
  const known = new ArrivalTimes(story);
  let next = 0;
  for (let atMs = everyMs; atMs < scenario.world.habits.lastsMs; atMs += everyMs) {
    for (; (delivered[next]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs; next++) {
      const { signal, atMs: arrivedMs } = delivered[next]!;
      known.record(signal, arrivedMs);
    }
    const view = new DeliveredView(story, known, { mode: scenario.world.mode, owners });
    const states = new TrueStates(owners, view, limits);
    const open = owners.all.filter((owner) => states.isOpen(owner, atMs));
    const runs = [...new Set(open.map((owner) => owners.sessionOf(owner)))].flatMap((session) => {
      const truth = states.at(session, atMs)!;
      const { state, blockedBy } = truth;
      return [...truth.verdicts].map(([spanId, verdict]) => ({
        spanId,
        state,
        blockedBy,
        verdict,
      }));
    });
    samples.push({ atMs, runs });
    const ownership = new Ownership({ owners, view, states });
    for (const marker of story.works) {
      const isCandidate =
        isMarker(marker) &&
        !evicted.has(marker) &&
        states.isOpen(marker, atMs) &&
        !states.isOpen(ownerOf(marker), atMs);
      if (isCandidate && isDue(marker, atMs)) {
        evicted.set(marker, atMs);
      }
    }

    function isDue(marker: Work, nowMs: number): boolean {
      const { firm, overlapping } = holdersOf(marker, { owners, view });
      const waited = (ms: number) => ms + scenario.allowedLatenessMs <= nowMs;
      return (
        waited(known.startOf(marker)) &&
        firm.every((owner) => waited(view.endArrivalMs(owner))) &&
        overlapping.every(
          (owner) => waited(view.endArrivalMs(owner)) || ownership.silentMs(owner, nowMs) <= nowMs,
        ) &&
        owners
          .below(marker)
          .every((work) => isRun(work) || evicted.has(work) || !states.isOpen(work, nowMs))
      );
    }
  }
  return { story, arrivals, samples, evicted, owners };
}

import { describe, expect, test } from "vitest";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
  SnapshotError,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { journalVersion } from "../../../../src/activity/journal/journal-records.ts";
import type { ActivityLimits } from "../../../../src/activity/model/limits.ts";
import fc from "../../../support/fast-check.ts";
import { pathOf } from "../../../support/repository.ts";
import { anySignal, tight } from "../any-signal.ts";
import { History } from "../history.ts";
import { plays } from "../plays.ts";
import { anyRequest } from "../reference/any-request.ts";

/** The snapshot of an engine. */
function saved(history: History): Buffer {
  const writer = new EngineSnapshotWriter();
  history.activity.snapshot(writer);
  return Buffer.concat(writer.pieces);
}

/** An engine that was filled from a snapshot. */
function restored(bytes: Uint8Array, limits: Partial<ActivityLimits> = tight): History {
  const history = new History(limits);
  const reader = new EngineSnapshotReader(bytes);
  history.activity.snapshot(reader);
  expect(reader.isAtEnd).toBe(true);
  return history;
}

/** Which part writes which kinds of values, in which order. */
class Outline extends EngineSnapshotWriter {
  readonly #runs: { readonly what: string; times: number }[] = [];

  get text(): string {
    const lines = this.#runs.map(({ what, times }) => `${what} × ${times}`);
    return `journalVersion ${journalVersion}\n\n${lines.join("\n")}\n`;
  }

  override number(value: number): number {
    this.#note("number");
    return value;
  }

  override numbers(values: readonly number[]): number[] {
    this.#note("numbers");
    return [...values];
  }

  override texts(values: readonly string[]): string[] {
    this.#note("texts");
    return [...values];
  }

  override column(column: object): void {
    this.#note(column.constructor.name);
  }

  #note(what: string): void {
    const [, , , caller = ""] = new Error("whose turn").stack?.split("\n") ?? [];
    const line = `${/at (\w+)/.exec(caller)?.[1]} ${what}`;
    const last = this.#runs.at(-1);
    if (last?.what === line) {
      last.times++;
    } else {
      this.#runs.push({ what: line, times: 1 });
    }
  }
}

const steps = fc.oneof(
  fc.array(fc.record({ at: fc.integer({ min: 0, max: 300 }), signal: anySignal }), {
    minLength: 1,
    maxLength: 60,
  }),
  anyRequest.map((arrivals) =>
    arrivals.flatMap(({ at, signals }) => signals.map((signal) => ({ at, signal }))),
  ),
);

describe("an engine that was saved and restored", () => {
  test("is saved part by part as in this version of the journal; a change needs a new journalVersion", async () => {
    const outline = new Outline();
    new History().activity.snapshot(outline);
    await expect(outline.text).toMatchFileSnapshot(
      pathOf("test/testdata/session_activity/saved-state.golden"),
    );
  });

  test("decides as one that was never saved, whenever it was saved", { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(steps, fc.nat(60), fc.constantFrom(1, 4_096), (all, cut, stepsPerCall) => {
        const limits = { ...tight, stepsPerCall }; // With 1 step a call, some decisions are always left.
        const inOrder = all.toSorted((a, b) => a.at - b.at);
        const whole = new History(limits);
        let parted = new History(limits);
        const events = [];
        for (const [index, { at, signal }] of inOrder.entries()) {
          whole.arrive(at, signal);
          if (index === cut % inOrder.length) {
            events.push(...parted.events);
            parted = restored(saved(parted), limits);
          }
          parted.arrive(at, signal);
        }
        whole.tickInParts(1000);
        parted.tickInParts(1000);
        expect([...events, ...parted.events].map(texts).sort()).toEqual(
          whole.events.map(texts).sort(),
        );
        expect(parted.totals()).toEqual(whole.totals());
        expect(parted.activity.view.sizes()).toEqual(whole.activity.view.sizes());
      }),
      plays(1500),
    );
  });

  test("is saved as the same bytes", { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(steps, (all) => {
        const history = new History(tight);
        for (const { at, signal } of all) {
          history.arrive(at, signal);
        }
        const bytes = saved(history);
        expect(saved(restored(bytes)).equals(bytes)).toBe(true);
      }),
      plays(500),
    );
  });

  test("may have other limits than before", () => {
    const history = new History();
    history.arrive(
      0,
      { type: "start", kind: "run", span: 1, start: 0 },
      { type: "start", kind: "tool", span: 2, parent: 1, start: 0 },
    );
    history.arrive(5, { type: "end", kind: "run", span: 1, start: 0, end: 5 });
    const other = new History({ allowedLatenessMs: 700, maxAgeMs: 50_000, stalledAfterMs: 900 });
    other.activity.snapshot(new EngineSnapshotReader(saved(history)));
    other.tick(60);
    expect(other.evictions).toEqual([["orphaned_no_owner", 15, 1, 0]]);
    expect(other.imbalance()).toEqual([]);
  });

  test("is refused when its snapshot is cut off", () => {
    const history = new History();
    history.arrive(0, { type: "start", kind: "run", span: 1, start: 0 });
    const bytes = saved(history);
    for (let length = 0; length < bytes.length; length += 97) {
      const reader = new EngineSnapshotReader(bytes.subarray(0, length));
      expect(() => new History().activity.snapshot(reader)).toThrow(SnapshotError);
    }
  });
});

function texts(event: object): string {
  return JSON.stringify(event);
}

import { describe, expect, test } from "vitest";
import { History, type Signal } from "./history.ts";
import { end, range, run, tool } from "./hostile-history.ts";

const oneSession = { sessions: [1] };
const relayed = { isRelayed: true };
/** Runs of the session, each in a trace of its own. */
const runsOf = (count: number, from: number, more: Partial<Signal> = {}): readonly Signal[] =>
  range(count, from).map((id) => run(id, { trace: id, ...oneSession, ...more }));
const ofSession = (type: Signal["type"], start: number): Signal => ({
  ...run(0, { ...oneSession, start }),
  type,
});

/** A history whose searches read one row, and those of a decision about many markers eight; then one that reads every row. */
function both(play: (history: History) => void): readonly [History, History] {
  const [bounded, unbounded] = [{ maxSearched: 1 }, { boundsSearches: false }].map((limits) => {
    const history = new History({ maxAgeMs: 90_000, tombstoneTtlMs: 40_000, ...limits });
    play(history);
    history.tickInParts(2_000);
    expect(history.imbalance()).toEqual([]);
    return history;
  });
  return [bounded as History, unbounded as History];
}

describe("where a search is cut", () => {
  test("a start that comes a lateness after the end of its run is late, although another run may hold it", () => {
    const [bounded, unbounded] = both((history) => {
      const own = run(1, { trace: 1, ...oneSession });
      history.arrive(1, own);
      history.arrive(2, { ...end(own, 2), seq: 6 });
      history.arrive(3, ...runsOf(3, 2, { start: 3 }));
      history.arrive(30, tool(9, 1, { trace: 1, start: 1, seq: 4 }));
      history.arrive(31, ...runsOf(3, 2, { start: 3 }).map((each) => end(each, 31)));
    });
    expect(unbounded.evictions).toEqual([]);
    expect(bounded.evictions).toEqual([]);
  });

  test("what a run that is not watched any more left open is untracked, although another run may hold it", () => {
    const [bounded, unbounded] = both((history) => {
      history.arrive(1, run(1, { trace: 1, ...oneSession, ...relayed }));
      history.arrive(2, { ...ofSession("unwatched", 2), ...relayed });
      history.arrive(3, ...runsOf(3, 2, { start: 3 }), tool(9, 1, { trace: 1, start: 3 }));
    });
    const ofTools = (history: History) => history.evictions.filter(([, , tools]) => tools > 0);
    expect(ofTools(unbounded)).toEqual([]);
    expect(ofTools(bounded)).toEqual([]);
  });

  describe("by the runs of a session that is reported idle", () => {
    const idle = (history: History) => {
      history.arrive(1, ...runsOf(3, 1));
      history.arrive(5, ofSession("idle", 5));
    };

    test("a marker whose run is not known is no orphan because one of them is too old", () => {
      const [bounded, unbounded] = both((history) => {
        idle(history);
        history.arrive(60, tool(9, 8, { trace: 1, start: 60 }));
      });
      const reasons = (history: History) =>
        history.evictions.filter(([, second]) => second > 100).map(([reason]) => reason);
      expect(reasons(bounded)).toEqual(reasons(unbounded));
    });

    test("the end of one of them is no surer than that of those that were reached", () => {
      const histories = both((history) => {
        history.arrive(1, ...runsOf(3, 1));
        history.arrive(2, tool(9, 8, { trace: 9, ...oneSession, start: 2 }));
        history.arrive(5, ofSession("idle", 5));
        history.arrive(6, { ...ofSession("sessionEnd", 6), end: 6 });
        history.arrive(40, tool(10, 1, { trace: 1, start: 40 }));
      });
      for (const history of histories) {
        const late = history.events.filter(
          (event) => event.type === "evicted" && event.atMs > 45_000,
        );
        expect(late).toMatchObject([{ reason: "orphaned_no_owner", confidence: "probable" }]);
      }
    });
  });

  test("a gateway that evicted some of the open work has none evicted", () => {
    const [bounded, unbounded] = both((history) => {
      const runs = runsOf(5, 1);
      history.arrive(1, ...runs, ...range(5, 1).map((id) => tool(9 + id, id, { trace: id })));
      history.arrive(2, ...runs.map((each) => end(each, 2)));
      history.arrive(3, { ...ofSession("evictedBySender", 3), claimed: 5 });
    });
    const atOnce = (history: History) => history.evictions.filter(([, second]) => second < 10);
    expect(atOnce(unbounded)).not.toEqual([]);
    expect(atOnce(bounded)).toEqual([]);
  });

  test("a tool of which many parts arrived before it is a link: they are counted, and it is not", () => {
    const parts = range(12, 10).map((id) => tool(id, 2, { scope: 2, alias: 7, start: 2 }));
    const [bounded, unbounded] = both((history) => {
      history.arrive(1, run(1));
      history.arrive(2, ...parts);
      history.arrive(3, tool(2, 1, { scope: 1, alias: 7, start: 1 }));
      history.arrive(4, ...parts.map((each) => end(each, 4)));
      history.arrive(5, end(tool(2, 1, { scope: 1, alias: 7 }), 5), end(run(1), 5));
    });
    const startedTools = (history: History) => history.activity.counters.started[2];
    expect(bounded.evictions).toEqual([]);
    expect(unbounded.evictions).toEqual([]);
    expect([startedTools(bounded), startedTools(unbounded)]).toEqual([12, 1]);
  });
});

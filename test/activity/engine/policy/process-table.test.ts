import { describe, expect, test } from "vitest";
import { HostWatch } from "../../../../src/activity/engine/policy/host-watch.ts";
import { ProcessTable } from "../../../../src/activity/engine/policy/process-table.ts";
import { hostOf, serviceHostOf } from "../../../../src/activity/model/service-host.ts";

const place = serviceHostOf(3, 1);
const other = serviceHostOf(4, 1);
const none = new Set<number>();

describe("of the processes of one service on one host the newest replaces the one before", () => {
  for (const [what, first, second, state] of [
    ["on the same host", place, place, "replaced"],
    ["not on another", place, other, "alive"],
    ["not where no host is known", 0, 0, "alive"],
  ] as const) {
    test(what, () => {
      const table = new ProcessTable(1000);
      const known = table.add(1, first, 0);
      table.add(2, second, 1);
      expect(known.state).toBe(state);
    });
  }

  test("also when its host becomes known later", () => {
    const table = new ProcessTable(1000);
    const first = table.add(1, place, 0);
    const second = table.add(2, 0, 0);
    table.setServiceHost(2, second, place);
    expect([first.state, second.state]).toEqual(["replaced", "alive"]);
    expect(second.host).toBe(first.host);
  });

  test("but only while that is alive", () => {
    const table = new ProcessTable(1000);
    const first = table.add(1, place, 0);
    first.state = "deleted";
    table.add(2, place, 1);
    expect(first.state).toBe("deleted");
  });
});

describe("a process is forgotten", () => {
  for (const [what, atMs, used, forgotten] of [
    ["when it was not heard for so long", 1000, none, [1]],
    ["not before", 999, none, []],
    ["not while it has rows", 5000, new Set([1]), []],
  ] as const) {
    test(what, () => {
      const table = new ProcessTable(1000);
      table.add(1, place, 0);
      expect([...table.forgetIdle(atMs, (process) => used.has(process))]).toEqual(forgotten);
      expect(table.rows[1] === undefined).toBe(forgotten.length > 0);
    });
  }

  test("and with the last one its host", () => {
    const table = new ProcessTable(1000);
    table.add(1, place, 0);
    table.add(2, place, 500);
    table.rows[2]!.host!.isHeld = true;
    table.forgetIdle(1000, () => false);
    expect(table.heldHosts()).toEqual([hostOf(place)]);
    table.forgetIdle(1500, () => false);
    expect(table.heldHosts()).toEqual([]);
  });

  test("and looked for 16 times in that time", () => {
    const table = new ProcessTable(1600);
    expect(table.isCheckDue(0)).toBe(true);
    table.forgetIdle(0, () => false);
    expect(table.isCheckDue(99)).toBe(false);
    expect(table.isCheckDue(100)).toBe(true);
  });
});

test("a table that is restored is the one that was saved", () => {
  const table = new ProcessTable(1000);
  const known = table.add(2, place, 5);
  Object.assign(known, {
    intervalMs: 7,
    state: "gone",
    held: 1,
    draining: "lease_expired",
    source: 2,
  });
  known.lastStateAt = { atMs: 3, timeMs: 4, seq: 0 };
  known.host!.isHeld = true;
  table.forgetIdle(6, () => false);
  const restored = new ProcessTable(1000);
  for (const process of [0, 1, 2]) {
    restored.restore(process, table.cellsOf(process));
  }
  restored.restoreLatest(table.latest());
  restored.restoreChecks(table.checkedAtMs, table.heldHosts());
  expect(restored.rows).toEqual([undefined, undefined, known]);
  expect([restored.latest(), restored.checkedAtMs]).toEqual([table.latest(), 6]);
});

describe("a host", () => {
  test("is one for all services on it, and is held until the last of its processes leaves", () => {
    const hosts = new HostWatch();
    const [a, b] = [serviceHostOf(3, 1), serviceHostOf(3, 2)];
    const host = hosts.join(7, a, 1)!;
    expect(hosts.join(8, b, 4)).toBe(host);
    expect([[...host.processes], host.seenAtMs]).toEqual([[7, 8], 4]);
    hosts.restoreHeld([hostOf(a), 99]);
    expect(hosts.held()).toEqual([hostOf(a)]);
    hosts.leave(7, a);
    expect(hosts.held()).toEqual([hostOf(a)]);
    hosts.leave(8, b);
    expect(hosts.held()).toEqual([]);
  });

  test("is not known of a process that reports none", () => {
    expect(new HostWatch().join(1, 0, 1)).toBeUndefined();
  });
});

import { describe, expect, test } from "vitest";
import { hostOf } from "../../../src/activity/model/service-host.ts";
import { type Identity, identityFor } from "../../../src/activity/recognition/sender-identity.ts";
import {
  maxProcesses,
  SenderProcesses,
  unknownProcess,
} from "../../../src/activity/recognition/sender-processes.ts";

/** The identity of a resource with these attributes. */
function identity(attributes: {
  readonly service?: string;
  readonly id?: string;
  readonly host?: string;
  readonly pid?: number;
  readonly instance?: string;
}): Identity {
  const { service = "agent", id = "", host = "", pid, instance = "" } = attributes;
  return [service, id, host, pid === undefined ? "" : `0,${pid}`, instance];
}

/** Whether the last two of several resources, seen in this order, are one process. */
function areOne(...resources: readonly Parameters<typeof identity>[0][]): boolean {
  const processes = new SenderProcesses();
  const numbers = resources.map((each) => processes.numberOf(identity(each)).process);
  return numbers.at(-1) === numbers.at(-2);
}

describe("one process", () => {
  for (const [what, ...resources] of [
    ["the same instance id", { instance: "a" }, { instance: "a" }],
    [
      "an instance id, whatever else only one of them has",
      { host: "box", pid: 7, instance: "a" },
      { instance: "a" },
    ],
    ["the same host name and pid", { host: "box", pid: 7 }, { host: "box", pid: 7 }],
    ["the same host id and pid", { id: "x", host: "box", pid: 7 }, { id: "x", pid: 7 }],
    [
      "a relay with an instance id, and the exporter of its gateway without one",
      { host: "box", pid: 7, instance: "relay" },
      { host: "box", pid: 7 },
    ],
    [
      "the exporter of a gateway without an instance id, and then its relay",
      { host: "box", pid: 7 },
      { host: "box", pid: 7, instance: "relay" },
    ],
    [
      "an instance id whose address became known later",
      { instance: "a" },
      { host: "box", pid: 7, instance: "a" },
      { host: "box", pid: 7 },
    ],
    [
      "without an instance id, the newest of several at one address",
      { host: "box", pid: 1, instance: "a" },
      { host: "box", pid: 1, instance: "b" },
      { host: "box", pid: 1 },
    ],
    ["nothing but a service name, twice", {}, {}],
  ] as const) {
    test(`is ${what}`, () => {
      expect(areOne(...resources)).toBe(true);
    });
  }
});

describe("two processes", () => {
  for (const [what, ...resources] of [
    [
      "a container that restarts with its host name and pid 1, and its successor",
      { host: "pod", pid: 1, instance: "a" },
      { host: "pod", pid: 1, instance: "b" },
    ],
    ["two pids of a host", { host: "box", pid: 7 }, { host: "box", pid: 8 }],
    ["one pid on two hosts", { host: "a", pid: 1 }, { host: "b", pid: 1 }],
    [
      "two host names, though an image gave both one host id",
      { id: "image", host: "a", pid: 1 },
      { id: "image", host: "b", pid: 1 },
    ],
    [
      "replicas that were all given one instance id",
      { host: "a", pid: 1, instance: "fixed" },
      { host: "b", pid: 1, instance: "fixed" },
    ],
    [
      "a worker that was forked with the instance id of its parent",
      { host: "box", pid: 7, instance: "a" },
      { host: "box", pid: 8, instance: "a" },
    ],
    [
      "two services with one instance id",
      { service: "a", instance: "x" },
      { service: "b", instance: "x" },
    ],
  ] as const) {
    test(`are ${what}`, () => {
      expect(areOne(...resources)).toBe(false);
    });
  }
});

test("an older process is found if the newest one with its instance id contradicts", () => {
  const processes = new SenderProcesses();
  const at = (of: Parameters<typeof identity>[0]) => processes.numberOf(identity(of)).process;
  const older = at({ id: "x", host: "a", instance: "fixed" });
  const newer = at({ id: "y", host: "b", instance: "fixed" });
  expect(newer).not.toBe(older);
  expect(at({ id: "x", instance: "fixed" })).toBe(older);
});

describe("the clients of a process", () => {
  const of = (client: string, values = identity({ host: "box", pid: 1, instance: "a" })) =>
    identityFor(client, values);

  for (const [what, values] of [
    ["an instance id", identity({ instance: "a" })],
    ["host and pid", identity({ host: "box", pid: 1 })],
    ["nothing but a service name", identity({})],
  ] as const) {
    test(`keep processes with ${what} apart, whoever sent first`, () => {
      const processes = new SenderProcesses();
      const clients = ["one", "", "two"];
      const numbers = clients.map((client) => processes.numberOf(of(client, values)).process);
      expect(new Set(numbers).size).toBe(3);
      expect(clients.map((client) => processes.numberOf(of(client, values)).process)).toEqual(
        numbers,
      );
    });
  }

  test("keep hosts apart", () => {
    const processes = new SenderProcesses();
    const hosts = ["one", "", "two"].map((client) =>
      hostOf(processes.numberOf(of(client)).serviceHost),
    );
    expect(new Set(hosts).size).toBe(3);
  });

  test("are numbered as long as one of their processes is known, and no client is 0", () => {
    const processes = new SenderProcesses();
    const numberOf = (client: string, pid: number) =>
      processes.clientOf(processes.numberOf(of(client, identity({ host: "box", pid }))).process);
    expect([numberOf("one", 1), numberOf("one", 2)]).toEqual([1, 1]);
    expect([numberOf("two", 1), numberOf("", 1)]).toEqual([2, 0]);
    expect(processes.clientOf(99)).toBe(0);
  });

  test("cannot be chosen by attributes", () => {
    const processes = new SenderProcesses();
    const victim = processes.numberOf(of("one", identity({ service: "s", instance: "a" })));
    const forged = processes.numberOf(
      identity({ service: "client one\ninstance\ns", instance: "a" }),
    );
    expect(forged.process).not.toBe(victim.process);
  });

  test("are stored with it, and known again", () => {
    const before = new SenderProcesses();
    const [one, none] = [of("one"), of("")].map((each) => before.numberOf(each));
    const after = new SenderProcesses();
    for (const each of before.stored()) {
      after.restore(each);
    }
    expect([of("one"), of("")].map((each) => after.numberOf(each))).toEqual([one, none]);
    expect([one, none].map((each) => after.clientOf(each!.process))).toEqual([1, 0]);
    expect(after.takeChanged()).toEqual([]);
  });
});

describe("what is known of a process", () => {
  const processes = new SenderProcesses();

  test("it is identified by an instance id, or by host and pid", () => {
    const is = (of: Parameters<typeof identity>[0]) =>
      processes.numberOf(identity(of)).isIdentified;
    expect(is({ instance: "a" })).toBe(true);
    expect(is({ host: "box", pid: 1 })).toBe(true);
    expect(is({ id: "x", pid: 1 })).toBe(true);
    expect(is({ host: "box" })).toBe(false);
    expect(is({ pid: 1 })).toBe(false);
    expect(is({})).toBe(false);
  });

  test("its service host is its service on its host; services of one host share the host", () => {
    const at = (service: string, host: string, pid: number) =>
      processes.numberOf(identity({ service, host, pid })).serviceHost;
    expect(at("s", "h", 1)).toBe(at("s", "h", 2));
    expect(at("t", "h", 3)).not.toBe(at("s", "h", 1));
    expect(hostOf(at("t", "h", 3))).toBe(hostOf(at("s", "h", 1)));
    expect(hostOf(at("s", "i", 1))).not.toBe(hostOf(at("s", "h", 1)));
    expect(processes.numberOf(identity({ service: "s", instance: "x" })).serviceHost).toBe(0);
  });
});

describe("the bound", () => {
  const nth = (pid: number) => identity({ host: "box", pid });

  /** A full table; `used` are the numbers that are in use elsewhere. */
  function full(used: ReadonlySet<number> = new Set()) {
    let warnings = 0;
    const clock = { nowMs: 0 };
    const processes = new SenderProcesses({
      clock,
      maxAgeMs: 1000,
      inUse: () => used,
      onFull: () => {
        warnings++;
      },
    });
    for (let pid = 1; pid <= maxProcesses; pid++) {
      processes.numberOf(nth(pid));
    }
    return { processes, clock, warnings: () => warnings };
  }

  test("a process beyond it is unknown, with one warning; those within it are not", () => {
    const { processes, warnings } = full();
    expect(warnings()).toBe(0);
    expect(processes.numberOf(nth(maxProcesses + 1))).toEqual({
      ...unknownProcess,
      isIdentified: true,
    });
    expect(processes.numberOf(identity({ service: "other" }))).toEqual(unknownProcess);
    expect(processes.numberOf(nth(maxProcesses)).process).toBe(maxProcesses);
    expect(warnings()).toBe(1);
  });

  test("those that sent nothing for the age and are not in use make room, and only those", () => {
    const { processes, clock, warnings } = full(new Set([3]));
    clock.nowMs = 600;
    processes.numberOf(nth(2));
    clock.nowMs = 1100;
    const fresh = processes.numberOf(nth(maxProcesses + 1));
    expect(fresh.process).toBeGreaterThan(0);
    expect([2, 3]).not.toContain(fresh.process);
    expect(processes.stored().map(({ process }) => process)).toEqual([2, 3, fresh.process]);
    expect(processes.numberOf(nth(3)).process).toBe(3);
    expect(warnings()).toBe(0);
  });

  test("numbers are given again, never twice", () => {
    const { processes, clock } = full(new Set([7]));
    clock.nowMs = 2000;
    const seen = new Set([7]);
    for (let pid = 1; pid < maxProcesses; pid++) {
      seen.add(processes.numberOf(identity({ host: `h${pid}`, pid, service: `s${pid}` })).process);
    }
    expect(seen.size).toBe(maxProcesses);
    expect(Math.max(...seen)).toBe(maxProcesses);
  });
});

test("the host and the service of a process that is forgotten make room", () => {
  const clock = { nowMs: 0 };
  const processes = new SenderProcesses({
    clock,
    maxAgeMs: 10,
    inUse: () => new Set(),
    onFull: () => {},
  });
  const at = (host: string) =>
    processes.numberOf(identity({ service: host, host, pid: 1 })).serviceHost;
  const first = at("a");
  clock.nowMs = 20;
  expect(at("b")).toBe(first);
});

test("workers that share an instance id are found again, however many there are", () => {
  const processes = new SenderProcesses();
  const worker = (pid: number) => identity({ instance: "fixed", pid });
  const numbers = Array.from({ length: 200 }, (_, pid) => processes.numberOf(worker(pid)).process);
  expect(new Set(numbers).size).toBe(200);
  expect(numbers.map((_, pid) => processes.numberOf(worker(pid)).process)).toEqual(numbers);
});

test("where a process runs may become known after its first request", () => {
  const processes = new SenderProcesses();
  const first = processes.numberOf(identity({ instance: "a" }));
  const later = processes.numberOf(identity({ instance: "a", host: "box", pid: 1 }));
  expect(first.serviceHost).toBe(0);
  expect(later.process).toBe(first.process);
  expect(later.serviceHost).not.toBe(0);
  expect(processes.takeChanged()).toEqual([
    {
      process: later.process,
      place: later.serviceHost,
      identity: identity({ instance: "a", host: "box", pid: 1 }),
    },
  ]);
});

test("what was stored is known again, with its numbers and service hosts, also what was known only later", () => {
  const before = new SenderProcesses();
  before.numberOf(identity({ host: "box", pid: 1 }));
  const two = before.numberOf(identity({ service: "other", host: "pod", pid: 1 }));
  const three = before.numberOf(identity({ instance: "c" }));
  const changes = [before.takeChanged()];
  before.numberOf(identity({ service: "other", host: "pod", pid: 1, instance: "x" }));
  changes.push(before.takeChanged());
  expect(changes.map((each) => each.length)).toEqual([3, 1]);

  for (const stored of [changes.flat(), before.stored()]) {
    const after = new SenderProcesses();
    for (const each of stored) {
      after.restore(each);
    }
    expect(after.numberOf(identity({ service: "other", instance: "x" }))).toEqual(two);
    expect(after.numberOf(identity({ instance: "c" }))).toEqual(three);
    expect(after.numberOf(identity({ service: "new", host: "pod", pid: 9 })).process).toBe(4);
    expect(after.takeChanged()).toHaveLength(1);
  }
});

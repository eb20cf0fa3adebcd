import { describe, expect, test } from "vitest";
import type { GatewayClaim } from "../../../../src/activity/engine/policy/claim-verdicts.ts";
import { EngineFixture, run, tool } from "./engine-fixture.ts";

const claimOf = (more: Partial<GatewayClaim> = {}): GatewayClaim => ({
  session: "1:9:1",
  group: -1,
  claim: "stuck",
  span: -1,
  kind: 0,
  name: 0,
  isQueued: false,
  ...more,
});
const diagnosed = ({ parts }: EngineFixture) =>
  parts.events.flatMap((event) => (event.type === "diagnosed" ? [event.verdict] : []));

describe("a claim is answered", () => {
  test("at once, and not again while it is repeated and its verdict is the same", () => {
    const fixture = new EngineFixture();
    const { claims } = fixture.parts;
    expect(claims.onClaim(claimOf(), 0)).toBe(true);
    expect(claims.onClaim(claimOf(), 1)).toBe(false);
    expect(diagnosed(fixture)).toEqual(["unknown"]);
  });

  test("again when its verdict changes", () => {
    const fixture = new EngineFixture();
    const { claims } = fixture.parts;
    claims.onClaim(claimOf(), 0);
    claims.onClaim(claimOf({ isQueued: true }), 1);
    expect(diagnosed(fixture)).toEqual(["unknown", "queued_only"]);
  });

  for (const [what, more] of [
    ["of another type", { claim: "stalled" }],
    ["of another session", { session: "1:9:2" }],
    ["about other work", { kind: 2, name: 3 }],
  ] as const) {
    test(`anew ${what}`, () => {
      const fixture = new EngineFixture();
      fixture.parts.claims.onClaim(claimOf(), 0);
      expect(fixture.parts.claims.onClaim(claimOf(more), 1)).toBe(true);
    });
  }

  for (const [what, over] of [
    ["progress", (fixture: EngineFixture, group: number) => fixture.parts.claims.clear(group)],
    [
      "a recovery",
      (fixture: EngineFixture, group: number) => fixture.parts.claims.onRecovered("1:9:1", group),
    ],
    [
      "its process is not watched any more",
      (fixture: EngineFixture) => fixture.parts.claims.forgetProcess(1),
    ],
    [
      "tombstone_ttl",
      (fixture: EngineFixture, group: number) => fixture.parts.claims.review(group, 900_000),
    ],
  ] as const) {
    test(`anew after ${what}`, () => {
      const fixture = new EngineFixture();
      fixture.arrive(0, run(1, { sessions: [1] }));
      const group = fixture.group(1);
      fixture.parts.claims.onClaim(claimOf({ group }), 0);
      expect(fixture.parts.claims.ofGroup.has(group)).toBe(true);
      over(fixture, group);
      expect(fixture.parts.claims.ofGroup.has(group)).toBe(false);
    });
  }
});

/** The claims of an engine, and two sessions without open work. */
function withSessions() {
  const { claims, store } = new EngineFixture().parts;
  return { claims, first: store.groups.add(1), second: store.groups.add(1) };
}

describe("claims follow their session", () => {
  test("when it becomes known", () => {
    const { claims, first } = withSessions();
    claims.onClaim(claimOf(), 0);
    expect(claims.ofGroup.has(-1)).toBe(true);
    expect(claims.bind("1:9:2", first)).toBe(false);
    expect(claims.bind("1:9:1", first)).toBe(true);
    expect([claims.ofGroup.has(-1), claims.ofGroup.has(first)]).toEqual([false, true]);
  });

  test("when it becomes part of another, and when its row is given up", () => {
    const { claims, first, second } = withSessions();
    claims.onClaim(claimOf({ group: first }), 0);
    claims.merge(first, second);
    expect([claims.ofGroup.has(first), claims.ofGroup.has(second)]).toEqual([false, true]);
    claims.forgetGroup(second);
    expect([claims.ofGroup.has(second), claims.ofGroup.has(-1)]).toEqual([false, true]);
  });
});

describe("claims are bounded", () => {
  test("to 64 of one session: the oldest makes room", () => {
    const { claims, first: group } = withSessions();
    for (let name = 1; name <= 65; name++) {
      claims.onClaim(claimOf({ group, kind: 2, name }), name);
    }
    expect(claims.onClaim(claimOf({ group, kind: 2, name: 2 }), 100)).toBe(false);
    expect(claims.onClaim(claimOf({ group, kind: 2, name: 1 }), 100)).toBe(true);
  });

  test("to 10 000: the oldest makes room", () => {
    const { claims, store } = new EngineFixture().parts;
    const groups = Array.from({ length: 10_001 }, () => store.groups.add(1));
    for (const group of groups) {
      claims.onClaim(claimOf({ group }), 1);
    }
    expect(groups.map((group) => claims.ofGroup.has(group)).indexOf(true)).toBe(1);
  });
});

test("of sessions that become one, 64 claims stay open", () => {
  const { claims, first, second } = withSessions();
  for (let at = 0; at < 80; at++) {
    claims.onClaim(claimOf({ group: at % 2 === 0 ? first : second, name: at }), at);
  }
  claims.merge(second, first);
  expect(claims.ofGroup.get(first)?.size).toBe(64);
});

test("a claim about a span that is forgotten, and whose row another span gets, is about neither", () => {
  const fixture = new EngineFixture();
  fixture.arrive(0, run(1, { sessions: [1] }), tool(2, 1));
  const { claims } = fixture.parts;
  const [group, span] = [fixture.group(1), fixture.span(2)];
  claims.onClaim(claimOf({ group, span }), 0);
  claims.forgetSpan(span);
  const [open] = claims.ofGroup.get(group) ?? [];
  expect([open?.bound, open?.span]).toEqual([-2, -2]);
  expect(claims.onClaim(claimOf({ group, span }), 1)).toBe(true);
});

import { describe, expect, test } from "vitest";
import { PauseRegister } from "../../../../src/activity/engine/policy/pause-register.ts";
import { EngineFixture, run, tool } from "./engine-fixture.ts";

const began = { atMs: 0, timeMs: 0, seq: 0 };

/** A register over a run 1 of session 1 with a tool 2, in which the run 3 of session 2 is. */
function nested() {
  const fixture = new EngineFixture();
  fixture.arrive(
    0,
    run(1, { sessions: [1] }),
    tool(2, 1),
    run(3, { parent: 2, sessions: [2] }),
    tool(4, 3),
  );
  return { fixture, register: new PauseRegister(fixture.parts.store) };
}

test("a pause is found by its key, its span, and the groups of that span and of all above it", () => {
  const { fixture, register } = nested();
  register.add("a", { span: fixture.span(4), group: -1 }, began);
  expect([...register.ofSpan.keys()]).toEqual([fixture.span(4)]);
  expect([...register.about.keys()].sort()).toEqual([fixture.group(1), fixture.group(3)].sort());
  register.remove("a");
  expect([register.pauses.size, register.ofSpan.size, register.about.size]).toEqual([0, 0, 0]);
});

test("a pause of a session is found by its group, and not by its spans", () => {
  const { fixture, register } = nested();
  const group = fixture.group(1);
  register.add("a", { span: -1, group }, began);
  register.add("b", { span: -1, group }, began);
  expect([...(register.ofGroup.get(group) ?? [])]).toEqual(["a", "b"]);
  expect([register.ofSpan.size, register.about.size, register.links.size]).toEqual([0, 0, 0]);
  register.removeAll(register.ofGroup.get(group) ?? new Set());
  expect(register.ofGroup.has(group)).toBe(false);
});

test("a group that becomes part of another takes its pauses there", () => {
  const { fixture, register } = nested();
  const [from, into] = [fixture.group(3), fixture.group(1)];
  register.add("a", { span: fixture.span(4), group: -1 }, began);
  register.add("b", { span: -1, group: from }, began);
  register.merge(from, into);
  expect([...register.about.keys()]).toEqual([into]);
  expect([...(register.ofGroup.get(into) ?? [])]).toEqual(["b"]);
  expect(register.pauses.get("b")?.group).toBe(into);
  register.removeAll(new Set(["a", "b"]));
  expect([register.about.size, register.ofGroup.size]).toEqual([0, 0]);
});

describe("there is room for", () => {
  for (const [what, count, of] of [
    ["64 pauses of one session", 64, (_: number) => ({ span: -1, group: 0 })],
    ["256 pauses of spans that are no work", 256, (at: number) => ({ span: at, group: -1 })],
    ["10 000 pauses", 10_000, (at: number) => ({ span: -1, group: at })],
  ] as const) {
    test(what, () => {
      const { store, retention } = new EngineFixture().parts;
      const register = new PauseRegister(store);
      const trace = store.traces.findOrAdd(1, 7, 7, 7, 1);
      for (let at = 0; at < count; at++) {
        const { span, group } = of(at);
        const row = span === -1 ? -1 : retention.addUnknown(trace, 5, at + 1, 0);
        expect(register.hasRoom(row, group)).toBe(true);
        register.add(String(at), { span: row, group }, began);
      }
      const { span, group } = of(count);
      const row = span === -1 ? -1 : retention.addUnknown(trace, 5, count + 1, 0);
      expect(register.hasRoom(row, group)).toBe(false);
    });
  }
});

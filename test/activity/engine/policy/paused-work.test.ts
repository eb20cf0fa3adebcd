import { expect, test } from "vitest";
import { PauseRegister } from "../../../../src/activity/engine/policy/pause-register.ts";
import { PausedWork } from "../../../../src/activity/engine/policy/paused-work.ts";
import { EngineFixture, run, tool } from "./engine-fixture.ts";

const began = { atMs: 5_000, timeMs: 0, seq: 0 };

function withRegister(...signals: Parameters<EngineFixture["arrive"]>[1][]) {
  const fixture = new EngineFixture();
  fixture.arrive(0, ...signals);
  const register = new PauseRegister(fixture.parts.store);
  return { fixture, register, work: new PausedWork(fixture.parts, register) };
}

test("the paused spans of a session are found beside more others than a search reads", () => {
  const others = Array.from({ length: 1_100 }, (_, at) => 10 + at);
  const { fixture, register, work } = withRegister(
    run(1, { sessions: [1] }),
    tool(2, 1),
    tool(3, 1),
    run(4, { trace: 2, sessions: [2] }),
    ...others.map((id) => tool(id, 4, { trace: 2 })),
  );
  const paused = [2, 3].map((id) => fixture.span(id));
  for (const span of [...paused, ...others.map((id) => fixture.span(id, { trace: 2 }))]) {
    register.add(String(span), { span, group: -1 }, began);
  }
  expect(new Set(work.namedIn(fixture.group(1)))).toEqual(new Set(paused));
  // Of a session with more of them than a search reads some stay.
  expect(work.namedIn(fixture.group(4, { trace: 2 })).length).toBeLessThan(others.length);
});

test("the time of work stands still that is above work that waits, by its own pause or that of its session", () => {
  const { fixture, register, work } = withRegister(
    run(1, { sessions: [1] }),
    tool(2, 1),
    tool(3, 2),
    tool(4, 1),
    run(5, { parent: 4, sessions: [2] }),
    tool(6, 1),
    tool(7, 6),
  );
  register.add("a", { span: fixture.span(3), group: -1 }, began);
  register.add("b", { span: -1, group: fixture.group(5) }, began);
  expect([2, 3, 4, 5, 6, 7].map((id) => work.holdsTime(fixture.span(id)))).toEqual([
    ...[true, true, true, true],
    ...[false, false],
  ]);
});

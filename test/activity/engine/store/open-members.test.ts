import { describe, expect, test } from "vitest";
import {
  boundMembersOf,
  openMembersOf,
  withoutOpenBelow,
} from "../../../../src/activity/engine/store/open-members.ts";
import { SmallEngine } from "./small-engine.ts";

describe("the open members of an owner", () => {
  test("are its open spans, the run among them", () => {
    const engine = new SmallEngine();
    const run = engine.openRun(1);
    const tool = engine.openTool(2, run);
    engine.parts.openWork.end(engine.openTool(3, run), 0, 5);
    engine.tool(4, run);
    const open = openMembersOf(engine.parts.store, engine.ownerOf(run));
    expect(open.toSorted()).toEqual([run, tool].toSorted());
  });

  test("without those that may outlive it are bound to it", () => {
    const engine = new SmallEngine();
    const run = engine.openRun(1);
    const bound = engine.openTool(2, run);
    const detached = engine.openTool(3, run);
    const owner = engine.ownerOf(run);
    expect(boundMembersOf(engine.parts.store, owner)).toContain(detached);
    engine.parts.store.detach(detached);
    const all = boundMembersOf(engine.parts.store, owner);
    expect(all.toSorted()).toEqual([run, bound].toSorted());
  });
});

describe("of open candidates, those without other open work below are", () => {
  // A run, a tool in it, and a run and a tool below that tool.
  function nested() {
    const engine = new SmallEngine();
    const run = engine.openRun(1);
    const tool = engine.openTool(2, run);
    const inner = engine.openRun(3, 0, tool);
    const innerTool = engine.openTool(4, inner);
    return { engine, run, tool, inner, innerTool };
  }

  test("all, where each piece of open work below is a candidate too", () => {
    const { engine, run, tool, inner, innerTool } = nested();
    const all = [run, tool, inner, innerTool];
    expect(withoutOpenBelow(engine.parts.store, all)).toEqual(all);
  });

  test("none above open work that is no candidate", () => {
    const { engine, run, tool, innerTool } = nested();
    expect(withoutOpenBelow(engine.parts.store, [run, tool, innerTool])).toEqual([innerTool]);
  });

  test("none above a candidate that is left out itself, in whatever order", () => {
    const { engine, run, tool, inner } = nested();
    expect(withoutOpenBelow(engine.parts.store, [inner, tool, run])).toEqual([]);
    expect(withoutOpenBelow(engine.parts.store, [run, tool, inner])).toEqual([]);
  });

  test("those that do not wait for a detached tool below", () => {
    const { engine, run, tool } = nested();
    engine.parts.store.detach(tool);
    expect(withoutOpenBelow(engine.parts.store, [run])).toEqual([run]);
  });
});

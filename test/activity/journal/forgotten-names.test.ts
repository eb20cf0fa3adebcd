import { describe, expect, test } from "vitest";
import { maxToolNames } from "../../../src/activity/model/work.ts";
import { MemoryStorage } from "./memory-journal.ts";
import { delivered, open } from "./restarted-collector.ts";

type Collector = Awaited<ReturnType<typeof open>>;

/** Tools that have ended, each with a name that is seen once, in requests that are 15 s apart. */
async function makeUpNames(collector: Collector, first: number, requests: number): Promise<void> {
  for (let request = 0; request < requests; request++) {
    const from = first + request * maxToolNames;
    const spans = Array.from({ length: maxToolNames }, (_, at) => ({
      ...{ id: from + at, trace: 9, start: 0, end: 1 },
      tool: `made-up-${from + at}`,
    }));
    await collector.send(...spans);
    collector.clock.advance(15_000);
  }
}

/** A run that has left `tool`, which is evicted a lateness later. */
async function leaveTool(collector: Collector, trace: number, tool: string): Promise<void> {
  await collector.send({ id: 1, trace, start: 0 }, { id: 2, trace, parent: 1, start: 1, tool });
  await collector.send({ id: 1, trace, start: 0, end: 2 });
}

describe("a name that keeps coming, beside thousands that are made up, is the same after a restart", () => {
  for (const isSnapshotted of [false, true]) {
    test(`from a ${isSnapshotted ? "snapshot" : "log"}`, async () => {
      const storage = new MemoryStorage();
      const first = await open(storage);
      await leaveTool(first, 1, "exec");
      first.clock.advance(2_000);
      await leaveTool(first, 2, "exec");
      first.holdLogs();
      first.clock.advance(20_000);
      await makeUpNames(first, 10_000, 5);
      await leaveTool(first, 3, "exec");
      if (isSnapshotted) {
        storage.owner?.onSnapshotNeeded();
        first.clock.advance(200);
        await delivered();
      }
      first.clock.advance(30_000);
      // The pipeline has it, and never answers; the others wait behind it.
      const [emitted] = first.eventLines();
      expect(emitted).toContain("gen_ai.tool.name=exec");
      storage.lastWrittenUnixMs = first.clock.unixMs();

      const second = await open(storage, { seed: 9, unixMs: first.clock.unixMs() });
      await delivered();
      expect(second.eventLines()).toContain(emitted);
      expect(second.events().map(({ tool }) => tool)).toEqual(["exec", "exec", "exec"]);
      // The name is known as one that keeps coming, though it has come only once since the start.
      await makeUpNames(second, 20_000, 12);
      await leaveTool(second, 4, "exec");
      second.clock.advance(60_000);
      await delivered();
      expect(second.events().at(-1)).toMatchObject({ tool: "exec" });
    });
  }
});

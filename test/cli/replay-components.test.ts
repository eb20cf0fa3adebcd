import { expect, test } from "vitest";
import { replayParts } from "../../src/cli/replay-components.ts";

test("a replay neither reads nor overwrites what a running collector stores", () => {
  const storage = { kind: "extension", id: "file_storage" } as const;
  const { plan } = replayParts(
    {
      extensions: [storage],
      pipelines: [],
      sectionOf: () => ({ storage: "file_storage" }),
      storageOf: () => storage,
      shutdownTimeoutMs: 1_000,
    },
    [],
    () => {},
  );
  expect(plan.extensions).toEqual([]);
  expect(plan.storageOf({ kind: "processor", id: "session_activity" })).toBeUndefined();
});

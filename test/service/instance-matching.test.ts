import { describe, expect, test } from "vitest";
import { type InstanceSpec, matchInstances } from "../../src/service/instance-matching.ts";

const spec = (id: string, rest: Partial<InstanceSpec> = {}): InstanceSpec => ({
  kind: "exporter",
  id,
  section: { endpoint: "http://a" },
  uses: [],
  places: ["exporter of traces"],
  ...rest,
});
const storage = (section: object) =>
  spec("file_storage", { kind: "extension", section, places: [] });
const used = { kind: "extension", id: "file_storage" } as const;

function matched(before: readonly InstanceSpec[], after: readonly InstanceSpec[]) {
  const { kept, changed, added, removed } = matchInstances(before, after);
  return { kept: [...kept], changed: [...changed], added: [...added], removed: [...removed] };
}

const nothing = { kept: [], changed: [], added: [], removed: [] };

describe("an instance", () => {
  for (const [title, after, want] of [
    ["with the same section is kept", spec("a"), { kept: ["exporter:a"] }],
    [
      "whose keys stand in another order is kept",
      spec("a", { section: { endpoint: "http://a" }, places: ["exporter of traces"] }),
      { kept: ["exporter:a"] },
    ],
    ["with another section is changed", spec("a", { section: {} }), { changed: ["exporter:a"] }],
    [
      "in another pipeline is changed",
      spec("a", { places: ["exporter of traces", "exporter of logs"] }),
      { changed: ["exporter:a"] },
    ],
    ["that stores now is changed", spec("a", { uses: [used] }), { changed: ["exporter:a"] }],
    [
      "of another kind is another one",
      spec("a", { kind: "receiver" }),
      { added: ["receiver:a"], removed: ["exporter:a"] },
    ],
    ["of another id is another one", spec("b"), { added: ["exporter:b"], removed: ["exporter:a"] }],
  ] as const) {
    test(title, () => expect(matched([spec("a")], [after])).toEqual({ ...nothing, ...want }));
  }

  test("in the same pipelines in another order is kept", () => {
    const places = ["exporter of traces", "exporter of logs"];
    const before = [spec("a", { places })];
    expect(matched(before, [spec("a", { places: places.toReversed() })])).toEqual({
      ...nothing,
      kept: ["exporter:a"],
    });
  });

  test("changes with the storage that it uses", () => {
    const user = spec("a", { uses: [used] });
    expect(
      matched([storage({ directory: "x" }), user], [storage({ directory: "y" }), user]),
    ).toEqual({
      ...nothing,
      changed: ["extension:file_storage", "exporter:a"],
    });
  });

  test("does not change with a storage that it does not use", () => {
    const before = [storage({ directory: "x" }), spec("a")];
    expect(matched(before, [storage({ directory: "y" }), spec("a")])).toEqual({
      ...nothing,
      kept: ["exporter:a"],
      changed: ["extension:file_storage"],
    });
  });
});

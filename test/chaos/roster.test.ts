import { expect, test } from "vitest";
import { parse } from "yaml";
import { components } from "../../src/components.ts";
import { textOf } from "../support/repository.ts";
import { roster } from "./roster.ts";

interface Config {
  readonly [section: string]: Readonly<Record<string, unknown>> | undefined;
}

const config = parse(textOf("test/chaos/collector.yaml")) as Config & {
  readonly service: {
    readonly extensions: readonly string[];
    readonly pipelines: Readonly<
      Record<string, Readonly<Record<"receivers" | "processors" | "exporters", readonly string[]>>>
    >;
  };
};

test("every component is in the chaos config, or says why not", () => {
  expect(Object.keys(roster).toSorted()).toEqual(
    components.map(({ kind, type }) => `${kind} ${type}`).toSorted(),
  );
});

for (const { kind, type } of components) {
  const entry = roster[`${kind} ${type}`];
  test(`the ${kind} ${type} is in the chaos config exactly if the roster says so, and a pipeline uses it`, () => {
    const isType = (id: string) => id === type || id.startsWith(`${type}/`);
    const ids = Object.keys(config[`${kind}s`] ?? {}).filter(isType);
    expect(ids.length > 0).toBe(entry?.in === "config");
    const used =
      kind === "extension"
        ? config.service.extensions
        : Object.values(config.service.pipelines).flatMap(
            (pipeline) => pipeline[`${kind}s` as "receivers"] ?? [],
          );
    expect(ids.filter((id) => !used.includes(id))).toEqual([]);
    expect(entry?.in === "config" || (entry?.because ?? "").length > 20).toBe(true);
  });
}

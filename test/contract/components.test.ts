import { describe, expect, test } from "vitest";
import type { AnyFactory } from "../../src/component/factory.ts";
import { components } from "../../src/components.ts";
import type { Subject } from "./component-setup.ts";
import { componentSetups, setupOf } from "./component-setups.ts";
import { checks, contractOf } from "./contract.ts";

const patienceMs = 5_000;

test.each(components)("the $kind $type has a setup", (factory) => {
  setupOf(factory);
});

for (const factory of components.filter(hasSetup)) {
  for (const [name, subject] of subjectsOf(factory)) {
    describe(name, () => {
      for (const { title, check, run } of contractOf(subject)) {
        const fault = subject.setup.knownFaults?.[check];
        if (fault === undefined) {
          test(title, run);
        } else {
          test.fails(`${title} (known fault: ${fault})`, run);
        }
      }
    });
  }
}

test("every setup belongs to a component", () => {
  const known = components.map(({ kind, type }) => `${kind} ${type}`);
  expect(Object.keys(componentSetups).filter((key) => !known.includes(key))).toEqual([]);
});

test("every known fault belongs to a check", () => {
  const titles: readonly string[] = Object.values(checks).flatMap((group) => Object.keys(group));
  const faults = Object.values(componentSetups).flatMap((setup) =>
    Object.keys(setup.knownFaults ?? {}),
  );
  expect(faults.filter((fault) => !titles.includes(fault))).toEqual([]);
});

function hasSetup({ kind, type }: AnyFactory): boolean {
  return `${kind} ${type}` in componentSetups;
}

/** The component with its minimal section, with each variant, and with a storage if it can have one. */
function subjectsOf(factory: AnyFactory): readonly (readonly [name: string, subject: Subject])[] {
  const setup = setupOf(factory);
  const name = `the ${factory.kind} ${factory.type}`;
  const subject = { factory, setup, patienceMs };
  return [
    [name, subject],
    ...Object.entries(setup.variants ?? {}).map(
      ([variant, options]) => [`${name} ${variant}`, { ...subject, options }] as const,
    ),
    ...(factory.storageKey === undefined
      ? []
      : [[`${name} with a storage`, { ...subject, isStoring: true }] as const]),
  ];
}

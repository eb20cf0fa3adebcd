import { describe, expect, test } from "vitest";
import { brokenConsumers } from "./broken/consumers.ts";
import { subjectOf } from "./broken/fixture-subject.ts";
import { brokenLifecycles } from "./broken/lifecycles.ts";
import {
  SoundExporter,
  SoundProcessor,
  SoundScraped,
  SoundStorage,
} from "./broken/sound-components.ts";
import { brokenSources } from "./broken/sources.ts";
import { setupOf } from "./component-setups.ts";
import { checks, contractOf } from "./contract.ts";
import { passesOn } from "./receiver-checks.ts";
import { asksItsSources } from "./scrape-checks.ts";

const allBroken = [...brokenLifecycles, ...brokenConsumers, ...brokenSources];

describe("the suite fails a component that", () => {
  for (const { title, run, message } of allBroken) {
    test(title, () => expect(run()).rejects.toThrow(message));
  }
});

test("every check fails some component here", () => {
  const titles = Object.values(checks)
    .flatMap((group) => Object.entries<unknown>(group))
    .filter(([, check]) => !allBroken.some((broken) => broken.check === check))
    .map(([title]) => title);
  expect(titles).toEqual([]);
});

for (const [family, fixture, isStoring] of [
  ["processor", SoundProcessor, true],
  ["exporter", SoundExporter, false],
  ["scraped", SoundScraped, false],
  ["storage", SoundStorage, false],
] as const) {
  describe(`the ${family} that the broken ones extend`, () => {
    for (const { title, run } of contractOf(
      subjectOf(fixture, family, { patienceMs: 5_000, isStoring }),
    )) {
      test(title, run);
    }
  });
}

describe("a new component", () => {
  const subject = subjectOf(SoundProcessor, "processor", { patienceMs: 400 });

  test("without a setup fails with the entry to add", () => {
    expect(() => setupOf({ kind: "processor", type: "filter" })).toThrow(
      'Add an entry "processor filter" to test/contract/component-setups.ts',
    );
  });

  test("without a feed for a signal fails with the key to add", async () => {
    const unfed = { ...subject, setup: { section: subject.setup.section } };
    await expect(passesOn(unfed, "logs")).rejects.toThrow("Add `feed.logs` to its entry");
  });

  test("without a request to scrape it fails with the key to add", async () => {
    const scraped = subjectOf(SoundScraped, "scraped", { patienceMs: 400 });
    const unrequested = { ...scraped, setup: { section: scraped.setup.section } };
    await expect(asksItsSources(unrequested)).rejects.toThrow("Add `request` to its entry");
  });
});

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { type AnyFactory, declare } from "../../src/component/factory.ts";
import type { Journal } from "../../src/component/storage.ts";
import { loadConfig } from "../../src/config/load.ts";
import { storageId } from "../../src/config/storage-id.ts";
import { factory as fileStorage } from "../../src/extensions/file_storage/factory.ts";
import { checkServiceConfig, type ServiceConfig } from "../../src/service/config.ts";
import { createLogger } from "../../src/service/logger.ts";
import { createService } from "../../src/service/service.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fakeMemory } from "../support/fake-memory.ts";
import { factories } from "./config-factories.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "storage-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A processor that remembers how often it was started. */
function counting() {
  const seen: { found: string[]; hasStorage: boolean; journal?: Journal } = {
    found: [],
    hasStorage: false,
  };
  const factory = declare({
    type: "counting",
    kind: "processor",
    roles: { processor: ["traces"] },
    stability: "development",
    description: "Counts its starts.",
    storageKey: ["storage"],
    schema: z.strictObject({ storage: storageId() }),
    create: ({ storage }) => ({
      processor: { wrap: (_, next) => next },
      async start() {
        seen.hasStorage = storage !== undefined;
        const journal = await storage?.openJournal({
          take: (record) => seen.found.push(Buffer.from(record).toString()),
          onSnapshotNeeded() {},
        });
        if (journal !== undefined) {
          seen.journal = journal;
          journal.append(Buffer.from(`start ${seen.found.length + 1}`));
        }
      },
      // What is appended at the very end is stored, too: the storage stops last.
      async shutdown() {
        seen.journal?.append(Buffer.from("stop"));
      },
    }),
  });
  return { seen, factory };
}

function configWith(list: readonly AnyFactory[], section: string): ServiceConfig {
  const checked = checkServiceConfig(
    loadConfig(
      [
        "receivers: {otlp: {protocols: {http: }}}",
        `processors: {counting: ${section}}`,
        "exporters: {debug: }",
        `extensions: {file_storage: {directory: '${directory}'}, health_check: }`,
        "service: {extensions: [file_storage, health_check], telemetry: {metrics: {level: none}}}",
        "service: {pipelines: {traces: {receivers: [otlp], processors: [counting], exporters: [debug]}}}",
      ].map((text) => `yaml:${text}`),
      {},
    ),
    list,
  );
  if (!checked.ok) {
    throw new Error(JSON.stringify(checked.problems));
  }
  return checked.config;
}

function serviceOf(processor: AnyFactory, section: string, log: string[] = []) {
  const clock = new FakeClock();
  const inert = factories
    .filter(({ type }) => type !== "file_storage")
    .map((factory) => ({
      ...factory,
      create: () => ({
        start: async () => {},
        shutdown: async () => {},
        receiver: { connect() {} },
        exporter: { consumer: () => ({ consume: async () => ({ status: "accepted" as const }) }) },
      }),
    }));
  const list = [...inert, fileStorage, processor];
  return createService({
    plan: configWith(list, section),
    factories: list,
    version: "1.2.3",
    env: {},
    clock,
    random: () => 0,
    randomBytes: (length) => new Uint8Array(length),
    memory: fakeMemory(),
    logger: createLogger({
      level: "warn",
      encoding: "json",
      clock,
      write: (line) => void log.push(line),
    }),
  });
}

describe("a component that names a storage extension", () => {
  test("finds after a restart what it has stored until its very end", async () => {
    for (const want of [[], ["start 1", "stop"], ["start 1", "stop", "start 3", "stop"]]) {
      const { seen, factory } = counting();
      const service = serviceOf(factory, "{storage: file_storage}");
      await service.start();
      expect(seen.found).toEqual(want);
      expect(await service.shutdown()).toBe(true);
    }
  });

  test("has none when it names none", async () => {
    const { seen, factory } = counting();
    const service = serviceOf(factory, "{}");
    await service.start();
    expect(seen).toEqual({ found: [], hasStorage: false });
    await service.shutdown();
  });

  test("is missed when it names none any more: what it stored is reported and kept", async () => {
    const { factory } = counting();
    const log: string[] = [];
    for (const section of ["{storage: file_storage}", "{storage: file_storage}", "{}", "{}"]) {
      const service = serviceOf(factory, section, log);
      await service.start();
      await service.shutdown();
      expect(readdirSync(directory)).toContain("processor_counting");
    }
    const warnings = log.map((line) => JSON.parse(line));
    expect(warnings).toMatchObject([
      { journal: "processor_counting", directory: join(directory, "processor_counting") },
      { journal: "processor_counting" },
    ]);
  });

  test("cannot open its journal twice, nor before the storage runs", async () => {
    let open = async (): Promise<unknown> => undefined;
    const greedy = declare({
      type: "counting",
      kind: "processor",
      roles: { processor: ["traces"] },
      stability: "development",
      description: "Opens its journal when told to.",
      storageKey: ["storage"],
      schema: z.strictObject({ storage: storageId() }),
      create: ({ storage }) => {
        open = async () => storage?.openJournal({ take() {}, onSnapshotNeeded() {} });
        return {
          processor: { wrap: (_, next) => next },
          start: async () => {},
          shutdown: async () => {},
        };
      },
    });
    const service = serviceOf(greedy, "{storage: file_storage}");
    await expect(open()).rejects.toThrow("file_storage is not running.");
    await service.start();
    await open();
    await expect(open()).rejects.toThrow(
      'The journal of the processor "counting" is open already.',
    );
    await service.shutdown();
  });
});

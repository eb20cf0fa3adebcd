import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { accepted, type Consumer } from "../../src/component/consumer.ts";
import { type AnyFactory, declare } from "../../src/component/factory.ts";
import type { Settings } from "../../src/component/settings.ts";
import type { Payload } from "../../src/otlp/payload.ts";
import { createLogger } from "../../src/service/logger.ts";
import { createService, type Service } from "../../src/service/service.ts";
import type { ComponentRef } from "../../src/service/service-plan.ts";
import { telemetryInstruments } from "../../src/service/telemetry-instruments.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fakeMemory } from "../support/fake-memory.ts";
import { payloadOf } from "./fake-components.ts";

interface World {
  readonly factories: readonly AnyFactory[];
  readonly built: { readonly settings: Settings; readonly section: unknown }[];
  readonly journal: string[];
  next: Consumer | undefined;
  answer: (payload: Payload) => Promise<typeof accepted>;
  startError: string | undefined;
}

function world(): World {
  const built: World["built"] = [];
  const journal: string[] = [];
  const lifecycle = (id: string) => ({
    start: async () => {
      journal.push(`start ${id}`);
      if (id === "in" && made.startError !== undefined) {
        throw new Error(made.startError);
      }
    },
    shutdown: async () => {
      journal.push(`shutdown ${id}`);
    },
  });
  const common = {
    stability: "development" as const,
    description: "A fake.",
    schema: z.unknown(),
  };
  const receiver = declare({
    ...common,
    type: "in",
    kind: "receiver",
    roles: { receiver: ["traces", "logs"] },
    create(settings, section) {
      built.push({ settings, section });
      return {
        ...lifecycle(settings.id),
        receiver: {
          connect: (_, next) => {
            made.next = next;
          },
        },
      };
    },
  });
  const exporter = declare({
    ...common,
    type: "out",
    kind: "exporter",
    roles: { exporter: ["traces", "logs"] },
    create(settings, section) {
      built.push({ settings, section });
      return {
        ...lifecycle(settings.id),
        exporter: { consumer: () => ({ consume: (payload) => made.answer(payload) }) },
      };
    },
  });
  const extension = declare({
    ...common,
    type: "aid",
    kind: "extension",
    roles: {},
    create(settings, section) {
      built.push({ settings, section });
      return lifecycle(settings.id);
    },
  });
  const made: World = {
    factories: [receiver, exporter, extension],
    built,
    journal,
    next: undefined,
    answer: async () => accepted,
    startError: undefined,
  };
  return made;
}

const [input, output] = [
  { kind: "receiver", id: "in" },
  { kind: "exporter", id: "out/1" },
] as const satisfies readonly ComponentRef[];

let service: Service | undefined;
afterEach(async () => {
  await service?.shutdown();
});

function serviceOf(fakes: World, options: { readonly hasTelemetry?: boolean } = {}) {
  const lines: string[] = [];
  const clock = new FakeClock();
  service = createService({
    plan: {
      extensions: [{ kind: "extension", id: "aid" }],
      pipelines: [
        { id: "traces", signal: "traces", receivers: [input], processors: [], exporters: [output] },
        { id: "logs", signal: "logs", receivers: [input], processors: [], exporters: [output] },
      ],
      sectionOf: ({ id }) => `section of ${id}`,
      storageOf: () => undefined,
      shutdownTimeoutMs: 1_000,
      ...(options.hasTelemetry ? { telemetryEndpoint: { host: "127.0.0.1", port: 0 } } : {}),
    },
    factories: fakes.factories,
    version: "1.2.3",
    env: { NAME: "value" },
    clock,
    random: () => 0,
    randomBytes: (length) => new Uint8Array(length),
    memory: fakeMemory(),
    logger: createLogger({
      level: "info",
      encoding: "json",
      clock,
      write: (line) => lines.push(line),
    }),
  });
  const pageUrl = () => {
    const line = lines
      .map((each) => JSON.parse(each))
      .find(({ msg }) => msg === "Serving the collector's own metrics.");
    return `http://${line.endpoint}/metrics`;
  };
  return { service, lines, clock, pageUrl };
}

test("every component is built once, with its own section and settings", () => {
  const fakes = world();
  serviceOf(fakes);
  expect(fakes.built.map(({ settings, section }) => [settings.id, section])).toEqual([
    ["in", "section of in"],
    ["out/1", "section of out/1"],
    ["aid", "section of aid"],
  ]);
  expect(fakes.built[0]?.settings).toMatchObject({
    id: "in",
    version: "1.2.3",
    env: { NAME: "value" },
  });
  expect(fakes.journal).toEqual([]);
});

test("extensions start first and stop last, sinks before sources between them", async () => {
  const fakes = world();
  const { service } = serviceOf(fakes);
  await service.start();
  expect(await service.shutdown()).toBe(true);
  expect(fakes.journal).toEqual([
    "start aid",
    "start out/1",
    "start in",
    "shutdown in",
    "shutdown out/1",
    "shutdown aid",
  ]);
});

test("shutting down twice, or before a start, is harmless", async () => {
  const fakes = world();
  const { service } = serviceOf(fakes);
  expect(await service.shutdown()).toBe(true);
  expect(await service.shutdown()).toBe(true);
});

test("a failed start leaves nothing running, and shutting down after it does nothing more", async () => {
  const fakes = world();
  fakes.startError = "no port.";
  const { service } = serviceOf(fakes);
  await expect(service.start()).rejects.toThrow('Cannot start receiver "in": no port.');
  const cleaned = [...fakes.journal];
  expect(cleaned).toContain("shutdown out/1");
  expect(await service.shutdown()).toBe(true);
  expect(fakes.journal).toEqual(cleaned);
});

describe("the page of own metrics", () => {
  test("has every series as 0 before the first payload, and counts after it", async () => {
    const fakes = world();
    const { service, pageUrl, clock } = serviceOf(fakes, { hasTelemetry: true });
    await service.start();
    const samples = async () => {
      const text = await (await fetch(pageUrl())).text();
      return new Map(
        text
          .split("\n")
          .filter((line) => line !== "" && !line.startsWith("#"))
          .map((line) => {
            const split = line.lastIndexOf(" ");
            return [line.slice(0, split), Number(line.slice(split + 1))] as const;
          }),
      );
    };
    const accepted = 'otelcol_receiver_accepted_spans{receiver="in",transport="http"}';
    const sent = 'otelcol_exporter_sent_spans{exporter="out/1"}';
    const failed = 'otelcol_exporter_send_failed_spans{exporter="out/1"}';
    const refused = 'otelcol_receiver_refused_spans{receiver="in",transport="http"}';
    const before = await samples();
    expect([accepted, sent, failed, refused].map((name) => before.get(name))).toEqual([0, 0, 0, 0]);
    expect(before.get("otelcol_process_uptime")).toBe(0);
    expect(before.get("otelcol_process_memory_rss")).toBeGreaterThan(1e6);

    clock.advance(2_500);
    fakes.answer = async ({ items }) => {
      if (items === 2) {
        throw new Error("a bug");
      }
      return { status: "accepted" };
    };
    await fakes.next?.consume(payloadOf("logs", 40, "http"));
    await fakes.next?.consume(payloadOf("logs", 2, "http"));
    const after = await samples();
    expect(after.get("otelcol_process_uptime")).toBe(2.5);
    expect(after.get('otelcol_exporter_sent_log_records{exporter="out/1"}')).toBe(40);
    expect(after.get('otelcol_exporter_send_failed_log_records{exporter="out/1"}')).toBe(2);
    expect(
      after.get(
        'otelcol_component_exceptions{otelcol_component_id="out/1",otelcol_component_kind="exporter"}',
      ),
    ).toBe(1);
    expect(after.get(accepted)).toBe(0);
  });

  test("is not served when switched off", async () => {
    const { service, lines } = serviceOf(world());
    await service.start();
    expect(lines).toEqual([]);
  });

  test("that cannot be served is a failed start", async () => {
    const first = serviceOf(world(), { hasTelemetry: true });
    await first.service.start();
    const { port } = new URL(first.pageUrl());
    const second = createService({
      plan: {
        extensions: [],
        pipelines: [],
        sectionOf: () => undefined,
        storageOf: () => undefined,
        shutdownTimeoutMs: 1_000,
        telemetryEndpoint: { host: "127.0.0.1", port: Number(port) },
      },
      factories: [],
      version: "1.2.3",
      env: {},
      clock: new FakeClock(),
      random: () => 0,
      randomBytes: (length) => new Uint8Array(length),
      memory: fakeMemory(),
      logger: createLogger({
        level: "error",
        encoding: "json",
        clock: new FakeClock(),
        write: () => {},
      }),
    });
    await expect(second.start()).rejects.toThrow(
      `Cannot start the collector's own metrics (service.telemetry.metrics): Cannot listen on 127.0.0.1:${port}`,
    );
    await first.service.shutdown();
  });
});

test("the registry of instruments names each once", () => {
  const names = telemetryInstruments.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

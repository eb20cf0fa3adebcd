import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Component } from "../../src/component/component.ts";
import { accepted, type Consumer } from "../../src/component/consumer.ts";
import { type AnyFactory, declare } from "../../src/component/factory.ts";
import type { Settings } from "../../src/component/settings.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { StartAborted } from "../../src/service/lifecycle.ts";
import { createLogger } from "../../src/service/logger.ts";
import { createService, type Service } from "../../src/service/service.ts";
import type { ComponentRef, ServicePlan } from "../../src/service/service-plan.ts";
import { deferred } from "../support/deferred.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fakeMemory } from "../support/fake-memory.ts";
import { payloadOf } from "./fake-components.ts";

const services: Service[] = [];
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.shutdown()));
});

interface Section {
  readonly option?: number;
  readonly failsToStart?: boolean;
  readonly hangs?: boolean;
}

/** Components that record what is done to them, by id and option, e.g. `start out 1`. */
function world() {
  const journal: string[] = [];
  const settingsOf = new Map<string, Settings>();
  const inputs = new Map<string, Consumer>();
  const life = (settings: Settings, { option = 0, failsToStart, hangs }: Section) => {
    const name = `${settings.id} ${option}`;
    settingsOf.set(name, settings);
    return {
      name,
      async start() {
        journal.push(`start ${name}`);
        if (failsToStart === true) {
          throw new Error("the port is in use.");
        }
        if (hangs === true) {
          await new Promise(() => {});
        }
      },
      async shutdown() {
        journal.push(`shutdown ${name}`);
      },
    };
  };
  const factory = (
    kind: AnyFactory["kind"],
    type: string,
    roles: AnyFactory["roles"],
    create: (settings: Settings, section: Section) => Component,
  ) =>
    declare<Section>({
      kind,
      type,
      roles,
      stability: "development",
      description: "A fake.",
      schema: z.custom<Section>(),
      create,
    });
  const signals = ["traces", "logs"] as const;
  const factories = [
    factory("receiver", "in", { receiver: signals }, (settings, section) => {
      const { name, ...own } = life(settings, section);
      return {
        ...own,
        receiver: { connect: (_, next) => inputs.set(name, next) },
      };
    }),
    factory("processor", "mid", { processor: signals }, (settings, section) => {
      const { name, ...own } = life(settings, section);
      let kept = 0;
      return {
        ...own,
        state: {
          handOver: () => kept,
          takeOver: (state) => {
            kept = Number(state);
          },
        },
        processor: {
          wrap: (_, next) => ({
            consume(payload) {
              kept += 1;
              journal.push(`${name} has ${kept}`);
              return next.consume(payload);
            },
          }),
        },
      };
    }),
    factory("exporter", "out", { exporter: signals }, (settings, section) => {
      const { name, ...own } = life(settings, section);
      return {
        ...own,
        exporter: {
          consumer: () => ({
            async consume() {
              journal.push(`${name} took it`);
              return accepted;
            },
          }),
        },
      };
    }),
  ];
  return { journal, settingsOf, inputs, factories };
}

function plan(
  sections: Readonly<Record<string, Section>> = {},
  pipelines: Readonly<Record<string, readonly [string[], string[], string[]]>> = {
    traces: [["in"], ["mid"], ["out"]],
  },
): ServicePlan {
  const refs = (kind: ComponentRef["kind"], ids: readonly string[]) =>
    ids.map((id) => ({ kind, id }));
  return {
    extensions: [],
    pipelines: Object.entries(pipelines).map(([id, [receivers, processors, exporters]]) => ({
      id,
      signal: id.split("/")[0] as Signal,
      receivers: refs("receiver", receivers),
      processors: refs("processor", processors),
      exporters: refs("exporter", exporters),
    })),
    sectionOf: ({ id }) => sections[id] ?? {},
    storageOf: () => undefined,
    shutdownTimeoutMs: 1_000,
  };
}

async function running(first = plan()) {
  const all = world();
  const clock = new FakeClock();
  const service = createService({
    plan: first,
    factories: all.factories,
    version: "1",
    env: {},
    clock,
    random: () => 0.5,
    randomBytes: (length) => new Uint8Array(length),
    memory: fakeMemory(),
    logger: createLogger({ level: "debug", encoding: "json", clock, write: () => {} }),
  });
  services.push(service);
  await service.start();
  all.journal.length = 0;
  const push = async (name: string) => {
    const { status } = await all.inputs.get(name)!.consume(payloadOf("traces", 1));
    return status;
  };
  return { ...all, service, push };
}

describe("a reload", () => {
  test("of which only the section of the service has changed names the settings, and takes effect", async () => {
    const { service, settingsOf } = await running({ ...plan(), service: { shutdown_timeout: 1 } });
    const changed = { ...plan(), service: { shutdown_timeout: 2 } };
    expect(await service.reload(changed)).toEqual({
      status: "succeeded",
      added: [],
      changed: [],
      removed: [],
      kept: ["receiver:in", "processor:mid", "exporter:out"],
      settings: ["service.shutdown_timeout"],
    });
    expect(await service.reload(changed)).toEqual({ status: "unchanged" });
    expect(settingsOf.get("in 0")!.stopping.aborted).toBe(false);
  });

  test("of the same config changes nothing", async () => {
    const { service, journal } = await running();
    expect(await service.reload(plan())).toEqual({ status: "unchanged" });
    expect(journal).toEqual([]);
  });

  test("exchanges an exporter, and what is in front of it keeps running", async () => {
    const { service, journal, push } = await running();
    await push("in 0");
    expect(await service.reload(plan({ out: { option: 1 } }))).toEqual({
      status: "succeeded",
      added: [],
      changed: ["exporter:out"],
      removed: [],
      kept: ["receiver:in", "processor:mid"],
      settings: [],
    });
    await push("in 0");
    expect(journal).toEqual([
      "mid 0 has 1",
      "out 0 took it",
      "start out 1",
      "shutdown out 0",
      "mid 0 has 2",
      "out 1 took it",
    ]);
  });

  test("hands over what a changed processor keeps", async () => {
    const { service, journal, push } = await running();
    await push("in 0");
    await service.reload(plan({ mid: { option: 1 } }));
    await push("in 0");
    expect(journal.filter((line) => line.includes("has"))).toEqual(["mid 0 has 1", "mid 1 has 2"]);
  });

  test("lets a replaced receiver go on with the new pipelines", async () => {
    const { service, journal, push } = await running();
    await service.reload(plan({ in: { option: 1 }, out: { option: 1 } }));
    journal.length = 0;
    expect([await push("in 0"), await push("in 1")]).toEqual(["accepted", "accepted"]);
    expect(journal.filter((line) => line.includes("took"))).toEqual([
      "out 1 took it",
      "out 1 took it",
    ]);
  });

  test("adds and removes pipelines", async () => {
    const { service, push, journal } = await running();
    const result = await service.reload(
      plan({}, { traces: [["in"], ["mid"], ["out"]], "traces/2": [["in/2"], [], ["out"]] }),
    );
    expect(result).toMatchObject({ status: "succeeded", added: ["receiver:in/2"], changed: [] });
    await push("in/2 0");
    expect(await service.reload(plan())).toMatchObject({ removed: ["receiver:in/2"] });
    expect(journal).toEqual(["start in/2 0", "out 0 took it", "shutdown in/2 0"]);
  });

  test("exchanges only the connections when a pipeline lists the same processors in another order", async () => {
    const both = (order: string[]) => plan({}, { traces: [["in"], order, ["out"]] });
    const { service, push, journal } = await running(both(["mid/a", "mid/b"]));
    expect(await service.reload(both(["mid/b", "mid/a"]))).toMatchObject({ changed: [] });
    await push("in 0");
    expect(journal).toEqual(["mid/b 0 has 1", "mid/a 0 has 1", "out 0 took it"]);
  });

  test("that fails to start leaves everything as it was", async () => {
    const { service, journal, push } = await running();
    const wrong = plan({ in: { option: 1, failsToStart: true }, out: { option: 1 } });
    expect(await service.reload(wrong)).toEqual({
      status: "failed",
      reason: 'Cannot start receiver "in": the port is in use.',
    });
    expect(await push("in 0")).toBe("accepted");
    expect(journal).toEqual([
      "start out 1",
      "start in 1",
      "shutdown in 1",
      "shutdown out 1",
      "mid 0 has 1",
      "out 0 took it",
    ]);
    expect(await service.reload(plan())).toEqual({ status: "unchanged" });
  });

  test("tells the old instance that it stops, and not the kept ones", async () => {
    const { service, settingsOf } = await running();
    await service.reload(plan({ out: { option: 1 } }));
    expect(settingsOf.get("out 0")!.stopping.aborted).toBe(true);
    expect(settingsOf.get("in 0")!.stopping.aborted).toBe(false);
    expect(settingsOf.get("out 1")!.stopping.aborted).toBe(false);
  });

  test("shows the statuses of the new instances, in the new pipelines", async () => {
    const { service, settingsOf } = await running();
    settingsOf.get("out 0")!.reportStatus({ status: "permanent_error", message: "no." });
    await service.reload(plan({ out: { option: 1 } }));
    const { status, pipelines, components } = settingsOf.get("in 0")!.serviceStatus();
    expect([status, pipelines.map((each) => each.status)]).toEqual(["ok", ["ok"]]);
    expect(components).toHaveLength(3);
  });

  test("that hangs is ended by a stop, which also ends what runs", async () => {
    const { service, journal } = await running();
    const reloading = service.reload(plan({ out: { option: 1, hangs: true } }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(await service.shutdown()).toBe(true);
    expect(await reloading).toEqual({ status: "stopped" });
    expect(journal).toEqual([
      "start out 1",
      "shutdown out 1",
      "shutdown in 0",
      "shutdown mid 0",
      "shutdown out 0",
    ]);
  });

  test("after a stop does nothing", async () => {
    const { service } = await running();
    await service.shutdown();
    expect(await service.reload(plan({ out: { option: 1 } }))).toEqual({ status: "stopped" });
  });
});

test("a stop ends a start that hangs at once, and what had started is shut down", async () => {
  const all = world();
  const clock = new FakeClock();
  const service = createService({
    plan: plan({ in: { hangs: true } }),
    factories: all.factories,
    version: "1",
    env: {},
    clock,
    random: () => 0.5,
    randomBytes: (length) => new Uint8Array(length),
    memory: fakeMemory(),
    logger: createLogger({ level: "debug", encoding: "json", clock, write: () => {} }),
  });
  const starting = service.start();
  const failed = deferred<unknown>();
  starting.catch(failed.resolve);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await service.shutdown()).toBe(true);
  expect(await failed.promise).toBeInstanceOf(StartAborted);
  expect(all.journal.slice(3)).toEqual(expect.arrayContaining(["shutdown in 0", "shutdown mid 0"]));
});

import { describe, expect, test } from "vitest";
import { createLogger, type LoggerOptions } from "../../src/service/logger.ts";
import { FakeClock } from "../support/fake-clock.ts";

function harness(options: Partial<LoggerOptions> = {}) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const logger = createLogger({
    level: "info",
    encoding: "console",
    clock,
    write: (line) => lines.push(line),
    ...options,
  });
  const ts = new Date(clock.unixMs()).toISOString();
  return { clock, lines, logger, ts };
}

test("the console encoding has columns separated by tabs, the fields as JSON", () => {
  const { lines, logger, ts } = harness();
  logger.info("Ready.");
  logger
    .forComponent({ id: "otlp/2", kind: "receiver" })
    .warn("Something\todd\nhappened.", { count: 3, list: ["a, b", 'c": [d]\n'], empty: {} });
  expect(lines).toEqual([
    `${ts}\tinfo\tReady.\n`,
    `${ts}\twarn\tSomething odd happened.\t{"otelcol.component.id": "otlp/2", "otelcol.component.kind": "receiver", "count": 3, "list": ["a, b", "c\\": [d]\\n"], "empty": {}}\n`,
  ]);
});

test("the json encoding is one object a line", () => {
  const { lines, logger, ts } = harness({ encoding: "json" });
  logger.forComponent({ id: "debug", kind: "exporter" }).error("Lost.", { items: 2 });
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      level: "error",
      ts,
      "otelcol.component.id": "debug",
      "otelcol.component.kind": "exporter",
      items: 2,
      msg: "Lost.",
    },
  ]);
});

test("a level leaves out what is below it", () => {
  const { lines, logger } = harness({ level: "warn" });
  logger.debug("d");
  logger.info("i");
  logger.warn("w");
  logger.error("e");
  expect(lines.map((line) => line.split("\t")[1])).toEqual(["warn", "error"]);
});

describe("repeats", () => {
  const sampling = { tickMs: 10_000, initial: 10, thereafter: 100 };

  test("pass ten times in ten seconds, then every hundredth", () => {
    const { lines, logger } = harness({ sampling });
    for (let times = 1; times <= 310; times += 1) {
      logger.warn("Again.", { times });
    }
    const passed = lines.map((line) => JSON.parse(line.split("\t")[3]!).times);
    expect(passed).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 110, 210, 310]);
  });

  test("count anew when the time is over", () => {
    const { clock, lines, logger } = harness({ sampling });
    for (const waitMs of [9_999, 1]) {
      for (let times = 0; times < 15; times += 1) {
        logger.warn("Again.");
      }
      clock.advance(waitMs);
    }
    expect(lines).toHaveLength(10);
    for (let times = 0; times < 15; times += 1) {
      logger.warn("Again.");
    }
    expect(lines).toHaveLength(20);
  });

  test("are told apart by message, level and component", () => {
    const { lines, logger } = harness({ sampling: { ...sampling, initial: 1, thereafter: 0 } });
    const component = logger.forComponent({ id: "x", kind: "exporter" });
    for (let times = 0; times < 5; times += 1) {
      logger.warn("One.");
      logger.info("One.");
      logger.warn("Two.");
      component.warn("One.");
    }
    expect(lines).toHaveLength(4);
  });
});

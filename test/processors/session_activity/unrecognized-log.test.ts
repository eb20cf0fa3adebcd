import { expect, test } from "vitest";
import { UnrecognizedLog } from "../../../src/processors/session_activity/unrecognized-log.ts";
import { testSettings } from "../../exporters/settings.ts";

function open() {
  const { settings, log } = testSettings("session_activity");
  return { log, lines: new UnrecognizedLog(settings.logger) };
}

test("a service without work is named once, with the way to rules of one's own", () => {
  const { log, lines } = open();
  lines.onUnrecognized("shop", 7);
  lines.onUnrecognized("shop", 8);
  expect(log).toEqual([
    expect.objectContaining({
      level: "info",
      message: expect.stringMatching(
        /If it has no agents, all is well.*docs\/frameworks\.md.*work_spans/,
      ),
      fields: { service: "shop", spans: 100, span_name_patterns: 7 },
    }),
  ]);
});

test("a name that may be an id is not shown", () => {
  const { log, lines } = open();
  lines.onUnrecognized("session:agent:main:canary", 1);
  expect(JSON.stringify(log)).not.toContain("canary");
});

test("of many services twenty are listed, and one line says that there are more", () => {
  const { log, lines } = open();
  for (let at = 0; at < 30; at++) {
    lines.onUnrecognized(`service-${at % 25}`, 1);
  }
  expect(log).toHaveLength(21);
  expect(log.at(-1)?.fields).toEqual({ listed: 20 });
});

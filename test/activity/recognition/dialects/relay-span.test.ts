import { describe, expect, test } from "vitest";
import { relayScopeName } from "../../../../src/activity/recognition/dialects/sender-scopes.ts";
import { observe, plain, scan, tool } from "../observed-spans.ts";

const scope = relayScopeName;

describe("spans of the relay (S0)", () => {
  for (const [end, type] of [
    [0, "start"],
    [2, "end"],
  ] as const) {
    test(`with an end of ${end} are a consumed ${type}`, () => {
      expect(observe({ name: "t", scope, attributes: tool, end })).toEqual({
        isConsumed: true,
        signals: [{ ...plain, type, dialect: "relay" }],
      });
    });
  }

  test("are recognized before any attribute, and by the whole name of the scope", () => {
    const attributes = { ...tool, "_dd.partial_version": 1 };
    expect(observe({ name: "t", scope, attributes }).signals[0]!.dialect).toBe("relay");
    expect(observe({ name: "t", scope: `${scope}s`, attributes }).signals[0]!.dialect).toBe(
      "datadog_partial",
    );
  });

  test("have the order of OpenClaw's events", () => {
    const { signals } = scan({ name: "openclaw.run", scope, attributes: { "openclaw.seq": 77 } });
    expect(signals.seq.get(0)).toBe(77);
  });
});

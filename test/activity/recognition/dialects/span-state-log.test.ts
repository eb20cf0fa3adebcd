import { describe, expect, test } from "vitest";
import { camel, observe, recordTime, request, text } from "../observed-records.ts";

describe("span-state logs (S5)", () => {
  const state = (event: string, body: string) => ({
    ...recordTime,
    attributes: [text("span.state", event), text("log.body.type", "json/v1")],
    body: { stringValue: body },
  });

  test("ids that lack leading zeros are the same ids", () => {
    const body = camel({
      traceId: "102030405060708090a0b0c0d0e0f10",
      spanId: "a1",
      parentSpanId: "b2",
    });
    const { signals, consumed } = observe(request(state("heartbeat", body), state("ended", body)));
    expect(
      signals.map(({ type, dialect, span, parent, intervalMs }) => [
        type,
        dialect,
        span,
        parent,
        intervalMs,
      ]),
    ).toEqual([
      ["start", "span_state_log", [0, 0xa1], [0, 0xb2], 5000],
      ["end", "span_state_log", [0, 0xa1], [0, 0xb2], 0],
    ]);
    expect(signals[0]!.trace).toEqual([0x01020304, 0x0d0e0f10]);
    expect(consumed).toBe(2);
  });

  test("another state is malformed and forwarded", () => {
    const { signals, consumed } = observe(request(state("started", camel())));
    expect(signals.map(({ type }) => type)).toEqual(["malformed"]);
    expect(consumed).toBe(0);
  });
});

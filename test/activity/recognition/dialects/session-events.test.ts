import Long from "long";
import { describe, expect, test } from "vitest";
import type { otlp } from "../../../../src/otlp/proto/generated.js";
import { observe, recordTime, request, text } from "../observed-records.ts";

describe("session events (S7)", () => {
  const event = (eventName: string, ...attributes: readonly otlp.KeyValue.$Properties[]) => ({
    ...recordTime,
    eventName,
    attributes: [...attributes],
  });

  test("an end names its session, by the sender's clock and order", () => {
    const seq = { key: "openclaw.seq", value: { intValue: Long.fromNumber(41) } };
    const { signals, consumed } = observe(
      request(event("session.end", text("session.id", "s1"), seq)),
    );
    expect(signals).toMatchObject([
      {
        type: "sessionEnd",
        dialect: "session_event",
        endMs: 1_795_000_005_000,
        references: 1,
        seq: 41,
      },
    ]);
    expect(consumed).toBe(0);
  });

  test("a start that names the previous session also ends that one", () => {
    const { signals } = observe(
      request(event("session.start", text("session.id", "s2"), text("session.previous_id", "s1"))),
    );
    expect(signals).toMatchObject([
      { type: "sessionEnd", references: 1 },
      { type: "sessionStart", references: 1 },
    ]);
  });

  for (const key of ["session.id", "openclaw.sessionKey"]) {
    test(`a start whose previous session is its own, by ${key}, ends nothing`, () => {
      const attributes = [text("session.id", "s1"), text("session.previous_id", "s0")];
      const own = [text(key, "same"), text("session.previous_id", "same")];
      expect(observe(request(event("session.start", ...attributes))).signals).toHaveLength(2);
      expect(observe(request(event("session.start", ...own))).signals).toMatchObject([
        { type: "sessionStart", references: 1 },
      ]);
    });
  }

  test("a start whose previous session is a placeholder ends nothing", () => {
    const attributes = [text("session.id", "s1"), text("session.previous_id", "None")];
    expect(observe(request(event("session.start", ...attributes))).signals).toMatchObject([
      { type: "sessionStart", references: 1 },
    ]);
  });

  test("the event name may be an attribute, as older senders write it", () => {
    const record = { attributes: [text("event.name", "session.end"), text("session.id", "s1")] };
    expect(observe(request(record)).signals).toMatchObject([{ type: "sessionEnd" }]);
  });

  test("text that only mentions the name is no event", () => {
    const record = { body: { stringValue: "after session.end" } };
    expect(observe(request(record)).signals).toEqual([]);
  });
});

import { describe, expect, test } from "vitest";
import { SignalBatch } from "../../../../src/activity/model/signal-batch.ts";
import type { otlp } from "../../../../src/otlp/proto/generated.js";
import { observe, recordTime, request, spanId, text, traceId } from "../observed-records.ts";
import { createLogReader } from "../signal-readers.ts";

describe("pauses (S8)", () => {
  const event = (eventName: string, ...attributes: readonly otlp.KeyValue.$Properties[]) => ({
    ...recordTime,
    eventName,
    traceId,
    spanId,
    attributes: [...attributes],
  });
  const id = text("gen_ai.agent.pause.id", "p1");

  test("have the span that waits, the session, and the key of the pause", () => {
    const { signals, consumed } = observe(
      request(
        event("gen_ai.agent.paused", id, text("gen_ai.conversation.id", "c1")),
        event("gen_ai.agent.pause.resolved", id),
        event("gen_ai.agent.paused"),
        event("gen_ai.agent.resumed"),
      ),
    );
    expect(
      signals.map(({ type, span, hasKey, references }) => [type, span, hasKey, references]),
    ).toEqual([
      ["pause", [0, 0xa1], true, 1],
      ["resume", [0, 0xa1], true, 0],
      ["pause", [0, 0xa1], true, 0],
      ["resume", [0, 0xa1], false, 0],
    ]);
    expect(consumed).toBe(0);
  });

  test("of two sessions without a span have two keys", () => {
    const pauseOf = (session: string) => ({
      ...recordTime,
      eventName: "gen_ai.agent.paused",
      attributes: [text("gen_ai.conversation.id", session)],
    });
    const signals = new SignalBatch();
    createLogReader().observer.read(request(pauseOf("c1"), pauseOf("c2"), pauseOf("c1")), signals);
    const keyOf = (row: number) => `${signals.key0.get(row)}:${signals.key1.get(row)}`;
    expect(keyOf(2)).toBe(keyOf(0));
    expect(new Set([keyOf(0), keyOf(1), "0:0"]).size).toBe(3);
  });
});

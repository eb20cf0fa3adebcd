import { describe, expect, test } from "vitest";
import { SignalBatch } from "../../../src/activity/model/signal-batch.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { createSpanReader } from "./signal-readers.ts";

interface Sent {
  readonly id: number;
  /** The value of `gen_ai.operation.name`; without it the span is no work. */
  readonly operation?: string;
  readonly name?: string;
  readonly isEnded?: boolean;
  readonly scope?: string;
}

const second = { low: 1_000_000_000, high: 0, unsigned: true };
const attribute = (key: string, value: string) => ({ key, value: { stringValue: value } });

/** A request of one service instance, or of a sender that says nothing of itself. */
function request(instance: string | undefined, ...spans: readonly Sent[]) {
  return {
    resource: {
      attributes:
        instance === undefined
          ? []
          : [
              attribute("service.name", "app"),
              attribute("service.instance.id", instance),
              attribute("host.name", "host"),
            ],
    },
    scopeSpans: spans.map(({ id, operation, name = "step", isEnded = false, scope = "" }) => ({
      scope: { name: scope },
      spans: [
        {
          traceId: new Uint8Array(16).fill(1),
          spanId: new Uint8Array(8).fill(id),
          parentSpanId: new Uint8Array(8).fill(9),
          name,
          startTimeUnixNano: second,
          ...(isEnded ? { endTimeUnixNano: second } : {}),
          attributes:
            operation === undefined ? [] : [attribute("gen_ai.operation.name", operation)],
        },
      ],
    })),
  };
}

/** Reads requests one after the other: of each the rows that are consumed, and the number of signals. */
function consumedOf(...requests: readonly (readonly ReturnType<typeof request>[])[]) {
  const { observer } = createSpanReader();
  const signals = new SignalBatch();
  return requests.map((resourceSpans) => {
    observer.read(
      otlp.ExportTraceServiceRequest.encode({ resourceSpans: [...resourceSpans] }).finish(),
      signals,
    );
    return [[...observer.consumed], signals.count];
  });
}

describe("an open span that is no work", () => {
  test("of an application is forwarded and not tracked", () => {
    expect(consumedOf([request("1", { id: 1 }, { id: 2, isEnded: true })])).toEqual([[[], 1]]);
  });

  test("is a live span beside open work, also before it", () => {
    expect(consumedOf([request("1", { id: 1 }, { id: 2, operation: "execute_tool" })])).toEqual([
      [[0, 1], 2],
    ]);
  });

  test("is a live span once its process has sent open work", () => {
    const work = request("1", { id: 2, operation: "chat" });
    const step = request("1", { id: 3 });
    expect(consumedOf([step], [work], [step])).toEqual([
      [[], 0],
      [[0], 1],
      [[0], 1],
    ]);
  });

  test("is none because another process sends live spans, or work that has ended", () => {
    const work = request("1", { id: 2, operation: "chat" });
    const ended = request("2", { id: 4, operation: "chat", isEnded: true }, { id: 5 });
    expect(consumedOf([work, request("2", { id: 3 })], [ended])).toEqual([
      [[0], 1],
      [[], 1],
    ]);
  });

  test("of an unknown sender is a live span only beside open work of the same resource", () => {
    const work = request(undefined, { id: 2, operation: "chat" }, { id: 3 });
    const step = request(undefined, { id: 4 });
    expect(consumedOf([work, step], [step])).toEqual([
      [[0, 1], 2],
      [[], 0],
    ]);
  });

  test("is a live span if only the relay sends it", () => {
    expect(consumedOf([request("1", { id: 1, scope: "openclaw-activity-relay" })])).toEqual([
      [[0], 1],
    ]);
  });
});

test("an open pause of a tool is a live span", () => {
  const pause = { id: 1, name: "claude_code.tool.blocked_on_user" };
  expect(consumedOf([request("1", pause)])).toMatchObject([[[0], expect.any(Number)]]);
});

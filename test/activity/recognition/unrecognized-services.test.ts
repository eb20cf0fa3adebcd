import Long from "long";
import { describe, expect, test } from "vitest";
import { SignalBatch } from "../../../src/activity/model/signal-batch.ts";
import { KeyedHash } from "../../../src/activity/recognition/keyed-hash.ts";
import { LabelValues } from "../../../src/activity/recognition/label-values.ts";
import { SenderProcesses } from "../../../src/activity/recognition/sender-processes.ts";
import { SpanSignalReader } from "../../../src/activity/recognition/span-signal-reader.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { keyValues } from "../../support/agent-spans.ts";

interface Sent {
  readonly service: string;
  readonly instance?: string;
  readonly names: readonly string[];
}

function open() {
  const found: (readonly [service: string, patterns: number])[] = [];
  const processes = new SenderProcesses(undefined, undefined, (...each) => found.push(each));
  const reader = new SpanSignalReader({
    processes,
    hash: new KeyedHash(new Uint8Array(16)),
    tools: new LabelValues(10),
    channels: new LabelValues(10),
  });
  const signals = new SignalBatch();
  const send = (...sent: readonly Sent[]) =>
    reader.read(
      otlp.ExportTraceServiceRequest.encode({
        resourceSpans: sent.map(({ service, instance = "1", names }) => ({
          resource: {
            attributes: keyValues({ "service.name": service, "service.instance.id": instance }),
          },
          scopeSpans: [
            {
              spans: names.map((name, at) => ({
                traceId: new Uint8Array(16).fill(1),
                spanId: Buffer.from([0, 0, 0, 0, 0, 1, at >> 8, at & 255]),
                name,
                endTimeUnixNano: Long.fromNumber(1),
              })),
            },
          ],
        })),
      }).finish(),
      signals,
    );
  return { found, processes, send };
}

const times = (count: number, name: string | ((at: number) => string)) =>
  Array.from({ length: count }, (_, at) => (typeof name === "string" ? name : name(at)));

describe("a service that sends no work", () => {
  test("is found at its hundredth span, once, whatever process sent it", () => {
    const { found, processes, send } = open();
    send({ service: "shop", names: times(60, "GET /cart") });
    send({ service: "shop", instance: "2", names: times(39, "GET /") });
    expect([found, processes.unrecognizedServices]).toEqual([[], 0]);
    send({ service: "shop", names: ["PUT /cart"] });
    expect([found, processes.unrecognizedServices]).toEqual([[["shop", 3]], 1]);
    send({ service: "shop", names: times(500, "GET /cart") });
    expect(found).toHaveLength(1);
  });

  test("has names that differ only in ids counted as one", () => {
    const { found, send } = open();
    const id = (at: number) => `0b7c${at}e-4f1a`;
    send({ service: "shop", names: times(1_000, (at) => `GET /users/${id(at)}/orders/${at}`) });
    expect(found).toEqual([["shop", 1]]);
  });

  test("is no longer one when it sends work", () => {
    const { processes, send } = open();
    send({ service: "shop", names: times(100, "GET /cart") });
    send({ service: "shop", instance: "2", names: ["openclaw.run"] });
    expect(processes.unrecognizedServices).toBe(0);
    send({ service: "shop", names: times(1_000, "GET /cart") });
    expect(processes.unrecognizedServices).toBe(0);
  });

  test("is found beside one that sends work, in one request", () => {
    const { found, send } = open();
    send(
      { service: "agent", names: [...times(150, "step"), "openclaw.run"] },
      { service: "shop", names: times(150, "GET /cart") },
    );
    expect(found).toEqual([["shop", 1]]);
  });
});

test("of more services than are kept the first is judged again", () => {
  const { found, processes, send } = open();
  send({ service: "first", names: times(100, "a") });
  for (let at = 0; at < 256; at++) {
    send({ service: `service-${at}`, names: ["a"] });
  }
  expect(processes.unrecognizedServices).toBe(0);
  send({ service: "first", names: times(99, "a") });
  expect(found).toHaveLength(1);
  send({ service: "first", names: ["a"] });
  expect(found).toHaveLength(2);
});

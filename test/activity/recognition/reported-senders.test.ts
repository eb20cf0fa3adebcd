import { describe, expect, test } from "vitest";
import { SignalBatch, signalTypes } from "../../../src/activity/model/signal-batch.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { createLogReader } from "./signal-readers.ts";

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const attributesOf = (of: Readonly<Record<string, string>>) =>
  Object.entries({ "service.name": "agent", ...of }).map(([key, value]) => text(key, value));

/** A record of `sender` whose body has one open tool of each of `named`. */
function recordOf(
  sender: Readonly<Record<string, string>>,
  ...named: Readonly<Record<string, string>>[]
) {
  const body = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: named.map((each, index) => ({
      resource: { attributes: attributesOf(each) },
      scopeSpans: [
        {
          spans: [
            {
              traceId: Buffer.alloc(16, 7),
              spanId: Buffer.alloc(8, index + 1),
              name: "execute_tool exec",
              attributes: [text("gen_ai.operation.name", "execute_tool")],
            },
          ],
        },
      ],
    })),
  }).finish();
  return otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource: { attributes: attributesOf(sender) },
        scopeLogs: [
          {
            logRecords: [
              { attributes: [text("partial.event", "heartbeat")], body: { bytesValue: body } },
            ],
          },
        ],
      },
    ],
  }).finish();
}

/** Types and processes of the signals of a record, after these processes were seen. */
function read(bytes: Uint8Array, ...seen: Readonly<Record<string, string>>[]) {
  const { observer, processes } = createLogReader();
  const numbers = seen.map((each) => processes.findDecoded(attributesOf(each), "").process);
  const signals = new SignalBatch();
  observer.read(bytes, signals);
  return {
    numbers,
    known: processes.stored().length,
    types: Array.from({ length: signals.count }, (_, row) => signals.type.get(row)),
    processes: Array.from({ length: signals.count }, (_, row) => signals.process.get(row)),
  };
}

const { start, foreign } = signalTypes;

describe("the body of a partial log", () => {
  for (const [what, sender] of [
    ["an instance id", { "service.instance.id": "attacker" }],
    ["host and pid", { "host.name": "box", "process.pid": "7" }],
  ] as const) {
    for (const [whom, victim] of [
      ["another instance", { "service.instance.id": "victim" }],
      ["another instance of another service", { "service.name": "s", "service.instance.id": "v" }],
      ["another host and pid", { "host.name": "box", "process.pid": "8" }],
    ] as const) {
      test(`cannot name ${whom} if the sender names itself by ${what}`, () => {
        const { numbers, ...found } = read(recordOf(sender, victim), victim, sender);
        expect(new Set(found.processes)).toEqual(new Set([numbers[1]]));
        const contradicts = Object.keys(victim).some(
          (key) => key in { ...sender, "service.name": "agent" },
        );
        expect(found.types).toEqual(contradicts ? [start, foreign] : [start]);
        expect(found.known).toBe(2);
      });
    }
  }

  test("that names its sender is of its sender, and counts once", () => {
    const sender = { "service.instance.id": "a", "host.name": "box" };
    const { numbers, types, processes } = read(
      recordOf(sender, { "service.instance.id": "a" }),
      sender,
    );
    expect([types, processes]).toEqual([[start], numbers]);
  });

  test("with several resources counts each that is another process", () => {
    const sender = { "service.instance.id": "a" };
    const { types } = read(
      recordOf(
        sender,
        { "service.instance.id": "b" },
        { "service.instance.id": "a" },
        { "service.instance.id": "c" },
      ),
    );
    expect(types).toEqual([start, foreign, start, start, foreign]);
  });

  test("names the process if its sender has nothing but a service name", () => {
    const named = { "service.instance.id": "a" };
    const { numbers, types, processes } = read(recordOf({}, named), named);
    expect([types, processes]).toEqual([[start], numbers]);
  });
});

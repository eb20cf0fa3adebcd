import { describe, expect, test } from "vitest";
import { SignalBatch, signalTypes } from "../../../src/activity/model/signal-batch.ts";
import { heartbeat, proto, request } from "./observed-records.ts";
import { createLogReader } from "./signal-readers.ts";

describe("bytes that are no logs request", () => {
  for (const [what, bytes] of [
    ["garbage with a name in it", Buffer.from("entity.state \xff\xff\xff", "latin1")],
    [
      "a request that is cut off",
      request(heartbeat(undefined, { bytesValue: proto })).subarray(0, 90),
    ],
    ["nothing", new Uint8Array(0)],
  ] as const) {
    test(`${what} has no signals`, () => {
      const { observer } = createLogReader();
      const signals = new SignalBatch();
      observer.read(bytes, signals);
      expect([signals.count, observer.consumedRecords]).toEqual([0, 0]);
    });
  }
});

test("a record whose reading throws is counted as malformed, forwarded, and costs no other record", () => {
  const faults: unknown[] = [];
  const { observer } = createLogReader({
    parseDurationMs(text) {
      if (text === "1m") {
        throw new Error("a bug");
      }
      return 1_000;
    },
    onFault: (error) => faults.push(error),
  });
  const signals = new SignalBatch();
  const body = { bytesValue: proto };
  const good = heartbeat(undefined, body, "1s");
  observer.read(request(good, heartbeat(undefined, body, "1m"), good), signals);
  const { start, malformed } = signalTypes;
  const types = Array.from({ length: signals.count }, (_, row) => signals.type.get(row));
  expect([types, observer.consumedRecords]).toEqual([[start, malformed, start], 2]);
  expect(faults).toEqual([new Error("a bug")]);
});

describe("the sender of a record that no dialect matches", () => {
  for (const [what, body, want] of [
    ["is identified if the record contains a name of a dialect", "session.start happened", 1],
    ["is not looked up otherwise", "nothing happened", 0],
  ] as const) {
    test(what, () => {
      const { observer, processes } = createLogReader();
      const signals = new SignalBatch();
      observer.read(request({ body: { stringValue: body } }), signals);
      expect([signals.count, processes.takeChanged().length]).toEqual([0, want]);
    });
  }
});

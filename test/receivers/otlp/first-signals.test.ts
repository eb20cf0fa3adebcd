import { afterEach, describe, expect, test } from "vitest";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { FirstSignals } from "../../../src/receivers/otlp/first-signals.ts";
import { callGrpc } from "./grpc-client.ts";
import { closeReceivers, openReceiver } from "./open-receiver.ts";
import { textBytes } from "./otlp-requests.ts";
import { post, typed } from "./post.ts";

afterEach(closeReceivers);

function logsOf(service: string | undefined): Uint8Array {
  const attributes =
    service === undefined ? [] : [{ key: "service.name", value: { stringValue: service } }];
  return otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      { resource: { attributes }, scopeLogs: [{ logRecords: [{ body: { stringValue: "x" } }] }] },
    ],
  }).finish();
}

test("the first request of each service is logged once, with how it came", async () => {
  const receiver = await openReceiver({ grpc: {} });
  const json = {
    resourceLogs: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: "cart" } }] },
        scopeLogs: [{ logRecords: [{}] }],
      },
    ],
  };
  for (let round = 0; round < 2; round++) {
    await callGrpc(receiver.grpcPort, "logs", logsOf("checkout"));
    await post(`${receiver.url}/v1/logs`, textBytes(JSON.stringify(json)), typed("json"));
    await post(`${receiver.url}/v1/logs`, logsOf("checkout"), typed("protobuf"));
    await post(`${receiver.url}/v1/logs`, logsOf(undefined), typed("protobuf"));
    await post(`${receiver.url}/v1/logs`, new Uint8Array(0), typed("protobuf"));
  }
  expect(receiver.lines.slice(2)).toEqual(
    [
      'First signals from service "checkout" (logs over grpc, protobuf).',
      'First signals from service "cart" (logs over http, json).',
      "First signals from a service without a name (logs over http, protobuf).",
    ].map((message) => ({ level: "info", message, fields: {} })),
  );
});

describe("a name", () => {
  const messages: string[] = [];
  const log = (message: string) => {
    messages.push(message);
  };
  const seen = (names: readonly string[]) => {
    messages.length = 0;
    const first = new FirstSignals({ debug: log, info: log, warn: log, error: log });
    for (const name of names) {
      first.see({ signal: "logs", transport: "http", encoding: "json", bytes: logsOf(name) });
    }
    return messages;
  };

  for (const [name, want] of [
    ['a"b\\c', '"a\\"b\\\\c"'],
    ["a\nb\u001b[31m", '"a\\nb\\u001b[31m"'],
    ["a\u007f\u009b\u202e\u2028b", '"a\\u{7f}\\u{9b}\\u{202e}\\u{2028}b"'],
    ["x".repeat(5_000), `"${"x".repeat(100)}…"`],
    [`${"x".repeat(99)}é`, `"${"x".repeat(99)}…"`],
    ["größe 😀", '"größe 😀"'],
  ] as const) {
    test(`such as ${JSON.stringify(name).slice(0, 30)} is shown without what a terminal obeys, and not too long`, () => {
      expect(seen([name])).toEqual([`First signals from service ${want} (logs over http, json).`]);
    });
  }

  test("that looks like an id is not shown", () => {
    for (const name of ["0af7651916cd43dd8448eb211c80319c", "agent:main:whatsapp", "run-4711"]) {
      expect(seen([name])).toEqual([
        "First signals from a service whose name looks like an id (logs over http, json).",
      ]);
    }
  });

  test("beyond the hundredth is not listed, which is said once", () => {
    const lines = seen(Array.from({ length: 300 }, (_, index) => `service-${index}`));
    expect(lines).toHaveLength(101);
    expect(lines.at(-2)).toContain('"service-99"');
    expect(lines.at(-1)).toMatch(/no more of them are listed/);
  });
});

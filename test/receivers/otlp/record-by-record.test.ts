import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { encodeModel, requestType } from "../../otlp/arbitrary-messages.ts";
import { type Decoded, strictlyDecoded } from "../../otlp/strict-decoder.ts";
import { closeReceivers, type OpenReceiver, openReceiver } from "./open-receiver.ts";
import { post, typed } from "./post.ts";

const signals = ["traces", "metrics", "logs"] as const;

afterEach(closeReceivers);

function door(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../testdata/door/${name}`, import.meta.url)));
}

async function postJson(receiver: OpenReceiver, path: string, body: Uint8Array) {
  const answer = await post(`${receiver.url}${path}`, body, typed("json"));
  return { status: answer.status, body: JSON.parse(new TextDecoder().decode(answer.body)) };
}

/** The records of all payloads, strictly decoded. */
function recordsOf({ payloads }: OpenReceiver): Decoded[] {
  const partNames = ["resourceSpans", "resourceLogs", "scopeSpans", "scopeLogs"];
  const recordNames = ["spans", "logRecords"];
  const listsIn = (message: Decoded, names: readonly string[]): Decoded[] =>
    names.flatMap((name) => {
      const value = message[name];
      return Array.isArray(value) ? value : [];
    });
  return payloads
    .map(({ signal, bytes }) => strictlyDecoded(signal, bytes))
    .flatMap((request) => listsIn(request, partNames))
    .flatMap((part) => listsIn(part, partNames))
    .flatMap((part) => listsIn(part, recordNames));
}

describe("a request with something malformed", () => {
  test("an emoji that is cut in half becomes U+FFFD, and both spans arrive", async () => {
    const receiver = await openReceiver();
    const answer = await postJson(receiver, "/v1/traces", door("lone-surrogate.json"));
    expect(answer).toEqual({ status: 200, body: {} });
    expect(recordsOf(receiver)).toMatchObject([
      { attributes: [{ value: { stringValue: "hello \ufffd" } }] },
      { name: "good neighbour" },
    ]);
    expect(await receiver.counts("otelcol_receiver_repaired_fields")).toEqual({
      "traces,invalid_utf8": 1,
    });
  });

  test("a span id of 15 digits costs its span, which is counted and logged", async () => {
    const receiver = await openReceiver();
    const answer = await postJson(receiver, "/v1/traces", door("span-id-15-digits.json"));
    expect(answer).toEqual({
      status: 200,
      body: {
        partialSuccess: {
          rejectedSpans: "1",
          errorMessage:
            "Some spans were left out: a span_id must have 8 bytes (16 hex digits in JSON) and not be all zero (1).",
        },
      },
    });
    expect(recordsOf(receiver)).toMatchObject([{ name: "good neighbour" }]);
    expect(receiver.leftOut.items).toBe(1);
    expect(await receiver.counts("otelcol_receiver_rejected_items")).toEqual({
      "traces,span_id": 1,
    });
    expect(receiver.lines.find(({ level }) => level === "warn")).toEqual({
      level: "warn",
      message: "Malformed items were left out.",
      fields: { signal: "traces", reason: "span_id", items: 1, held_back: 0, held_back_items: 0 },
    });
  });

  test("log records with unusable ids are kept, without association", async () => {
    const receiver = await openReceiver();
    const answer = await postJson(receiver, "/v1/logs", door("log-bad-ids-hex.json"));
    expect(answer).toEqual({ status: 200, body: {} });
    const records = recordsOf(receiver);
    expect(records.map((record) => record["body"])).toEqual([
      { stringValue: "good, no ids" },
      { stringValue: "short trace id" },
      { stringValue: "zero ids" },
      { stringValue: "empty ids" },
    ]);
    expect(records.flatMap(({ traceId = "", spanId = "" }) => [traceId, spanId])).toEqual(
      new Array(8).fill(""),
    );
    expect(receiver.leftOut.items).toBe(0);
    expect(await receiver.counts("otelcol_receiver_repaired_fields")).toEqual({
      "logs,trace_id": 1,
    });
  });

  test("ids in base64 cost their span", async () => {
    const receiver = await openReceiver();
    const answer = await postJson(receiver, "/v1/traces", door("base64-ids.json"));
    expect(answer).toMatchObject({
      status: 200,
      body: {
        partialSuccess: { rejectedSpans: "1", errorMessage: expect.stringContaining("trace_id") },
      },
    });
    expect(receiver.payloads).toEqual([]);
    expect(receiver.leftOut.items).toBe(1);
  });

  test("logs sent to the path of traces are answered with the right path, counted and logged once", async () => {
    const receiver = await openReceiver();
    const answers = [];
    for (let times = 0; times < 3; times++) {
      answers.push(await postJson(receiver, "/v1/traces", door("logs-sent-to-traces.json")));
    }
    expect(answers).toEqual(
      new Array(3).fill({
        status: 200,
        body: {
          partialSuccess: {
            rejectedSpans: "0",
            errorMessage:
              "The request has logs, which the endpoint of traces does not accept. Send logs to /v1/logs.",
          },
        },
      }),
    );
    expect(receiver.payloads).toEqual([]);
    expect(await receiver.counts("otelcol_receiver_misdirected_requests")).toEqual({
      "logs,traces": 3,
    });
    const warnings = receiver.lines.filter(({ level }) => level === "warn");
    expect(warnings).toEqual([
      {
        level: "warn",
        message: expect.stringContaining("data of another signal"),
        fields: expect.objectContaining({ reason: "logs_sent_to_traces", correct: "/v1/logs" }),
      },
    ]);
  });

  test("a warning is repeated after ten seconds, with the number of items since", async () => {
    const receiver = await openReceiver();
    const send = () => postJson(receiver, "/v1/traces", door("span-id-15-digits.json"));
    await send();
    await send();
    await send();
    receiver.clock.advance(10_000);
    await send();
    const warnings = receiver.lines.filter(({ level }) => level === "warn");
    expect(warnings.map(({ fields }) => fields["held_back_items"])).toEqual([0, 2]);
  });
});

const ids = { traceId: new Uint8Array(16).fill(7), spanId: new Uint8Array(8).fill(7) };
const keyValue = { key: "k", value: { stringValue: "v" } };
const requests = {
  traces: {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                ...ids,
                name: "chat",
                kind: 1,
                startTimeUnixNano: 5n,
                endTimeUnixNano: 9n,
                attributes: [keyValue],
              },
            ],
          },
        ],
      },
    ],
  },
  metrics: {
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            metrics: [
              {
                name: "calls",
                unit: "{call}",
                sum: {
                  dataPoints: [{ timeUnixNano: 5n, asInt: 3n, attributes: [keyValue] }],
                  isMonotonic: true,
                },
              },
            ],
          },
        ],
      },
    ],
  },
  logs: {
    resourceLogs: [
      {
        scopeLogs: [
          {
            logRecords: [
              {
                ...ids,
                timeUnixNano: 5n,
                severityNumber: 9,
                body: { stringValue: "hello" },
                attributes: [keyValue],
              },
            ],
          },
        ],
      },
    ],
  },
};

describe("a request in protobuf", () => {
  for (const endpoint of signals) {
    for (const data of signals) {
      const isRight = endpoint === data;
      test(`with ${data}, sent to the path of ${endpoint}, is ${isRight ? "accepted" : "answered with the right path"}`, async () => {
        const receiver = await openReceiver();
        const bytes = encodeModel(requestType(data), requests[data]);
        const answer = await post(`${receiver.url}/v1/${endpoint}`, bytes, typed("protobuf"));
        expect(answer.status).toBe(200);
        const text = Buffer.from(answer.body).toString();
        if (isRight) {
          expect(text).toBe("");
          expect(receiver.payloads).toMatchObject([{ items: 1 }]);
        } else {
          expect(text).toContain(`Send ${data} to /v1/${data}.`);
          expect(receiver.payloads).toEqual([]);
          expect(await receiver.counts("otelcol_receiver_misdirected_requests")).toEqual({
            [`${data},${endpoint}`]: 1,
          });
        }
      });
    }
  }
});

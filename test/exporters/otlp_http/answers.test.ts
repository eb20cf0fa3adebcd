import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { deferred } from "../../support/deferred.ts";
import { noDeadline } from "../settings.ts";
import { backend, exporter, ok } from "./backend.ts";

const invalidMessage =
  "The backend answered with success, but not with a response of OTLP. The data counts as sent and may be lost; check that the endpoint is that of an OTLP backend.";

type Answer = (response: ServerResponse) => void;

/** An answer with a status of success, a content type and a body. */
const whole =
  (contentType: string, body: string | Uint8Array): Answer =>
  (response) =>
    response.writeHead(200, { "content-type": contentType }).end(body);

const protobuf = "application/x-protobuf";
const json = "application/json";
const partial = Uint8Array.of(0x0a, 0x02, 0x08, 0x02); // 2 rejected

/** Resolves when the exporter has the status and the headers of the next answer. */
async function headersArrived(): Promise<void> {
  const arrived = deferred<void>();
  const onHeaders = () => arrived.resolve();
  subscribe("undici:request:headers", onHeaders);
  await arrived.promise;
  unsubscribe("undici:request:headers", onHeaders);
  await new Promise((resolve) => setImmediate(resolve));
}

describe("an answer that is not one of OTLP", () => {
  for (const [title, answer, reason] of [
    ["a web page", whole("text/html; charset=utf-8", "<html>"), "it is a web page (text/html)"],
    [
      "plain text",
      whole("text/plain", "accepted"),
      "its content type is neither application/x-protobuf nor application/json",
    ],
    [
      "a body without a type",
      (response) => response.writeHead(200).end("secret"),
      "its content type is neither application/x-protobuf nor application/json",
    ],
    [
      "protobuf that is cut off inside a field",
      whole(protobuf, Uint8Array.of(0x0a, 0xff, 0xff)),
      "it cannot be decoded as protobuf",
    ],
    [
      "a web page that calls itself protobuf",
      whole(protobuf, "<html>secret</html>"),
      "it cannot be decoded as protobuf",
    ],
    [
      "a compressed body",
      (response) =>
        response
          .writeHead(200, { "content-type": protobuf, "content-encoding": "gzip" })
          .end(Uint8Array.of(0x1f, 0x8b, 8, 0)),
      "it cannot be decoded as protobuf",
    ],
    ["JSON that is cut off", whole(json, '{"partialSuccess":'), "it cannot be decoded as JSON"],
    ["a JSON list", whole(json, "[]"), "it cannot be decoded as JSON"],
    [
      "JSON whose count is none",
      whole(json, '{"partialSuccess":{"rejectedSpans":"many"}}'),
      "it cannot be decoded as JSON",
    ],
    [
      "a body that breaks off",
      (response) => {
        response.socket?.end(
          `HTTP/1.1 200 OK\r\ncontent-type: ${protobuf}\r\ncontent-length: 10\r\n\r\nhalf`,
        );
      },
      "it was cut short",
    ],
    [
      "a body that is reset",
      (response) => {
        response.writeHead(200, { "content-type": protobuf }).write("half", () => {
          response.socket?.resetAndDestroy();
        });
      },
      "it was cut short",
    ],
    [
      "a body of more than 64 KiB",
      whole(protobuf, Buffer.alloc(65_537)),
      "it is longer than 64 KiB",
    ],
  ] as const satisfies readonly (readonly [string, Answer, string])[]) {
    test(`counts as sent, is logged and counted: ${title}`, async () => {
      const { host, received } = await backend(answer);
      const { consume, log, ownMetrics } = exporter({ endpoint: `http://${host}` });
      expect(await consume("traces")).toEqual({ status: "accepted" });
      expect(received).toHaveLength(1);
      expect(log).toEqual([
        {
          level: "error",
          message: invalidMessage,
          fields: { signal: "traces", host, items: 3, reason, held_back: 0, held_back_items: 0 },
        },
      ]);
      expect(await ownMetrics()).toContain(
        'otelcol_exporter_invalid_responses{exporter="otlp_http",otel_signal="traces"} 1\n',
      );
    });
  }

  test("that has no end is read up to 64 KiB", async () => {
    let written = 0;
    const { host } = await backend((response) => {
      response.writeHead(200, { "content-type": protobuf });
      const more = () => {
        written += 65_536;
        if (!response.destroyed) {
          response.write(Buffer.alloc(65_536), more);
        }
      };
      more();
    });
    const { consume, log } = exporter({ endpoint: `http://${host}` });
    expect(await consume("logs")).toEqual({ status: "accepted" });
    expect(log.map(({ fields }) => fields?.["reason"])).toEqual(["it is longer than 64 KiB"]);
    expect(written).toBeLessThan(50_000_000);
  });

  test("that never ends is waited for no longer than timeout", async () => {
    const { host } = await backend((response) => {
      response.writeHead(200, { "content-type": protobuf }).write("half");
    });
    const { consume, log, clock } = exporter({ endpoint: `http://${host}`, timeout: "2s" });
    const result = consume("logs");
    await headersArrived();
    clock.advance(2_000);
    expect(await result).toEqual({ status: "accepted" });
    expect(log.map(({ fields }) => fields?.["reason"])).toEqual(["it did not end within timeout"]);
  });

  test("because this collector stops is no fault of the backend", async () => {
    const deadline = new AbortController();
    const { host } = await backend((response) => {
      response.writeHead(200, { "content-type": protobuf }).write("half");
    });
    const { component, consume, log } = exporter({ endpoint: `http://${host}` });
    const result = consume("logs");
    const stopping = component.shutdown(deadline.signal);
    await headersArrived();
    deadline.abort();
    expect(await result).toEqual({ status: "accepted" });
    await stopping;
    expect(log).toEqual([]);
  });

  test("fills no log: one line per interval, with the number held back", async () => {
    const { host } = await backend(whole("text/html", "<html>"));
    const { consume, log, clock, ownMetrics } = exporter({ endpoint: `http://${host}` });
    await consume("traces");
    await consume("traces");
    await consume("logs");
    clock.advance(10_000);
    await consume("traces");
    expect(log.map(({ fields }) => fields?.["held_back"])).toEqual([0, 0, 1]);
    expect(await ownMetrics()).toContain('otel_signal="traces"} 3\n');
  });

  test("does not make the exporter unhealthy, because the backend has the data", async () => {
    const { host } = await backend(whole("text/html", "<html>"));
    const { consume, clock, statuses, component } = exporter({ endpoint: `http://${host}` });
    await component.start();
    await consume("traces");
    clock.advance(120_000);
    expect(statuses).toEqual([]);
    await component.shutdown(noDeadline());
  });
});

describe("an answer that is one of OTLP", () => {
  for (const [title, answer, rejected] of [
    ["no body", ok, 0],
    ["204 without a type", (response) => response.writeHead(204).end(), 0],
    ["an empty web page", whole("text/html", ""), 0],
    ["an empty message in a message", whole(protobuf, Uint8Array.of(0x0a, 0)), 0],
    ["a partial success in protobuf", whole(protobuf, partial), 2],
    ["protobuf with a parameter", whole("Application/X-Protobuf; q=1", partial), 2],
    ["an unknown field of protobuf", whole(protobuf, Uint8Array.of(0x78, 1)), 0],
    ["an empty JSON map", whole(json, "{}"), 0],
    ["an empty partial success in JSON", whole(json, '{"partialSuccess":{}}'), 0],
    ["null in JSON", whole(json, '{"partialSuccess":null}'), 0],
    ["an unknown field of JSON", whole(json, '{"status":"ok"}'), 0],
    ["a partial success in JSON", whole(json, '{"partialSuccess":{"rejectedSpans":"2"}}'), 2],
    [
      "a number and snake_case in JSON",
      whole(`${json}; charset=utf-8`, '{"partial_success":{"rejected_spans":2}}'),
      2,
    ],
    ["a warning in JSON", whole(json, '{"partialSuccess":{"errorMessage":"hm"}}'), 0],
    ["a negative count", whole(json, '{"partialSuccess":{"rejectedSpans":-2}}'), 0],
    ["more rejected than was sent", whole(json, '{"partialSuccess":{"rejectedSpans":"99"}}'), 3],
    ["64 KiB", whole(json, `{"x":"${"a".repeat(65_536 - 8)}"}`), 0],
  ] as const satisfies readonly (readonly [string, Answer, number])[]) {
    for (const encoding of ["proto", "json"]) {
      test(`is valid to a request in ${encoding}: ${title}`, async () => {
        const { host } = await backend(answer);
        const { consume, log, ownMetrics } = exporter({ endpoint: `http://${host}`, encoding });
        expect(await consume("traces", new Uint8Array(0))).toEqual({ status: "accepted" });
        expect(log.map(({ fields }) => fields?.["rejected"])).toEqual(
          rejected === 0 ? [] : [rejected],
        );
        expect(await ownMetrics()).not.toMatch(/^otelcol_exporter_invalid_responses.* [1-9]/m);
      });
    }
  }

  for (const [signal, name] of [
    ["metrics", "rejectedDataPoints"],
    ["logs", "rejectedLogRecords"],
  ] as const) {
    test(`has the name of what was rejected for ${signal}`, async () => {
      const { host } = await backend(whole(json, `{"partialSuccess":{"${name}":"1"}}`));
      const { consume, log } = exporter({ endpoint: `http://${host}` });
      await consume(signal);
      expect(log.map(({ fields }) => fields?.["rejected"])).toEqual([1]);
    });
  }
});

test("redirects are not followed", async () => {
  const other = await backend(ok);
  for (const status of [301, 302, 303, 307, 308]) {
    const { host } = await backend((response) => {
      response.writeHead(status, { location: `http://${other.host}/v1/traces` }).end();
    });
    const result = await exporter({ endpoint: `http://${host}` }).consume("traces");
    expect(result).toMatchObject({ status: "permanent" });
  }
  expect(other.received).toEqual([]);
});

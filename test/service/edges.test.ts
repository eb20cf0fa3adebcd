import { describe, expect, test } from "vitest";
import type { ComponentKind } from "../../src/component/component-kind.ts";
import { accepted, type ConsumeResult, type Consumer } from "../../src/component/consumer.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { createEdges } from "../../src/service/edges.ts";
import { FlowCounts } from "../../src/service/flow-counts.ts";
import { flowInstruments } from "../../src/service/telemetry-instruments.ts";
import { payloadOf, recordingLogger } from "./fake-components.ts";

const permanent: ConsumeResult = { status: "permanent", message: "never" };
const later: ConsumeResult = { status: "retryable", message: "later" };

const answering = (result: ConsumeResult): Consumer => ({ consume: async () => result });

/** An exporter that does not count its items itself. */
const uncounted = { countsItems: false };

function harness() {
  const counts = new FlowCounts();
  const logger = recordingLogger();
  const at = (kind: ComponentKind, id: string, signal: Signal) => ({ kind, id, signal, logger });
  const all = () =>
    Object.fromEntries(
      flowInstruments.flatMap(({ name }) =>
        counts
          .of(name)
          .map(({ value, attributes }) => [
            `${name}{${Object.values(attributes).join(",")}}`,
            value,
          ]),
      ),
    );
  return { counts, edges: createEdges(counts), logger, at, all };
}

test("a receiver's items are counted by transport, accepted or refused, from 0 on", async () => {
  const { edges, at, all } = harness();
  const results = [accepted, later, permanent, accepted];
  const edge = edges.fromReceiver(at("receiver", "otlp", "traces"), {
    consume: async () => results.shift() ?? accepted,
  });
  expect(all()).toEqual({
    "otelcol_receiver_accepted_spans{otlp,http}": 0,
    "otelcol_receiver_accepted_spans{otlp,grpc}": 0,
    "otelcol_receiver_refused_spans{otlp,http}": 0,
    "otelcol_receiver_refused_spans{otlp,grpc}": 0,
  });
  await edge.consume(payloadOf("traces", 5, "http"));
  await edge.consume(payloadOf("traces", 3, "http"));
  await edge.consume(payloadOf("traces", 2, "http"));
  await edge.consume(payloadOf("traces", 11, "grpc"));
  expect(all()).toEqual({
    "otelcol_receiver_accepted_spans{otlp,http}": 5,
    "otelcol_receiver_accepted_spans{otlp,grpc}": 11,
    "otelcol_receiver_refused_spans{otlp,http}": 5,
    "otelcol_receiver_refused_spans{otlp,grpc}": 0,
  });
});

test("what a receiver left out itself counts as refused", () => {
  const { edges, at, all } = harness();
  const edge = edges.fromReceiver(at("receiver", "r", "logs"), answering(accepted), ["http"]);
  edge.countRefused?.(3, "http");
  expect(all()).toEqual({
    "otelcol_receiver_accepted_log_records{r,http}": 0,
    "otelcol_receiver_refused_log_records{r,http}": 3,
  });
});

test("a receiver that names its transports has the counters of those only", async () => {
  const { edges, at, all } = harness();
  const edge = edges.fromReceiver(at("receiver", "r", "logs"), answering(accepted), ["file"]);
  await edge.consume({ ...payloadOf("logs", 4), transport: "file" });
  expect(all()).toEqual({
    "otelcol_receiver_accepted_log_records{r,file}": 4,
    "otelcol_receiver_refused_log_records{r,file}": 0,
  });
});

test("the words of the Collector are used for each signal", () => {
  const { edges, at, all } = harness();
  edges.fromReceiver(at("receiver", "r", "metrics"), answering(accepted));
  edges.intoExporter(at("exporter", "e", "logs"), answering(accepted), uncounted);
  expect(Object.keys(all())).toEqual([
    "otelcol_receiver_accepted_metric_points{r,http}",
    "otelcol_receiver_accepted_metric_points{r,grpc}",
    "otelcol_receiver_refused_metric_points{r,http}",
    "otelcol_receiver_refused_metric_points{r,grpc}",
    "otelcol_exporter_consumed_log_records{e}",
    "otelcol_exporter_restored_log_records{e}",
    "otelcol_exporter_sent_log_records{e}",
    "otelcol_exporter_send_failed_log_records{e}",
    "otelcol_exporter_enqueue_failed_log_records{e}",
    "otelcol_component_exceptions{exporter,e}",
  ]);
});

test("a processor that drops has fewer items going out than coming in", async () => {
  const { edges, at, all } = harness();
  const out = edges.outOfProcessor(at("processor", "p", "traces"), answering(accepted));
  const edge = edges.intoProcessor(at("processor", "p", "traces"), {
    consume: (payload) => out.consume({ ...payload, items: payload.items - 4 }),
  });
  await edge.consume(payloadOf("traces", 10));
  expect(all()).toEqual({
    "otelcol_processor_incoming_items{p,traces}": 10,
    "otelcol_processor_outgoing_items{p,traces}": 6,
    "otelcol_component_exceptions{processor,p}": 0,
  });
});

test("what a component derives is counted by what became of it", async () => {
  const { edges, at, all } = harness();
  const results = [accepted, permanent];
  const edge = edges.fromConnector(at("processor", "session_activity", "logs"), {
    consume: async () => results.shift() ?? accepted,
  });
  await edge.consume(payloadOf("logs", 2));
  await edge.consume(payloadOf("logs", 3));
  expect(all()).toEqual({
    "otelcol_connector_produced_items{session_activity,logs,success}": 2,
    "otelcol_connector_produced_items{session_activity,logs,refused}": 3,
  });
});

test("an exporter's items are sent or failed to be sent", async () => {
  const { edges, at, all } = harness();
  const results = [accepted, later, permanent];
  const edge = edges.intoExporter(
    at("exporter", "otlp_http", "traces"),
    {
      consume: async () => results.shift() ?? accepted,
    },
    uncounted,
  );
  for (const items of [1, 20, 300]) {
    await edge.consume(payloadOf("traces", items));
  }
  expect(all()).toEqual({
    "otelcol_exporter_consumed_spans{otlp_http}": 321,
    "otelcol_exporter_restored_spans{otlp_http}": 0,
    "otelcol_exporter_sent_spans{otlp_http}": 1,
    "otelcol_exporter_send_failed_spans{otlp_http}": 320,
    "otelcol_exporter_enqueue_failed_spans{otlp_http}": 0,
    "otelcol_component_exceptions{exporter,otlp_http}": 0,
  });
});

describe("a component that throws", () => {
  for (const [name, consume] of [
    [
      "at once",
      () => {
        throw new TypeError('no "session-4711" here');
      },
    ],
    ["later", async () => Promise.reject(new TypeError('no "session-4711" here'))],
  ] satisfies readonly [string, Consumer["consume"]][]) {
    test(`${name} is answered as permanent, counted, and logged once by the edge next to it`, async () => {
      const { edges, at, all, logger } = harness();
      const exporter = edges.intoExporter(at("exporter", "e", "traces"), { consume }, uncounted);
      const processor = edges.intoProcessor(at("processor", "p", "traces"), exporter);
      const result = await processor.consume(payloadOf("traces", 6));
      expect(result).toEqual({
        status: "permanent",
        message: "The exporter e failed because of a bug in this program.",
      });
      expect(all()).toMatchObject({
        "otelcol_exporter_send_failed_spans{e}": 6,
        "otelcol_component_exceptions{exporter,e}": 1,
        "otelcol_component_exceptions{processor,p}": 0,
      });
      expect(logger.lines).toHaveLength(1);
      expect(logger.lines[0]).toMatchObject([
        "error",
        "A component threw an exception, so its payload was refused. This is a bug; please report it.",
        { "otelcol.signal": "traces", items: 6, "exception.type": "TypeError" },
      ]);
    });
  }

  test("does not have its message logged, which may quote what was received", async () => {
    const { edges, at, logger } = harness();
    const edge = edges.intoExporter(
      at("exporter", "e", "traces"),
      {
        consume: async () => JSON.parse("session-4711"),
      },
      uncounted,
    );
    await edge.consume(payloadOf("traces", 1));
    expect(JSON.stringify(logger.lines)).toContain("SyntaxError");
    expect(JSON.stringify(logger.lines)).not.toContain("session");
  });
});

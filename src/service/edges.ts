import type { ComponentKind } from "../component/component-kind.ts";
import type { Consumer } from "../component/consumer.ts";
import { exceptionFields } from "../component/exception-fields.ts";
import type { ExportCounts, ItemCount, Logger } from "../component/settings.ts";
import type { Payload, Signal, Transport } from "../otlp/payload.ts";
import type { Count, FlowCounts } from "./flow-counts.ts";
import { type exportOutcomes, itemWords } from "./telemetry-instruments.ts";

/** The component at an edge, and the signal that passes it. */
export interface EdgeOf {
  readonly id: string;
  readonly kind: ComponentKind;
  readonly signal: Signal;
  readonly logger: Logger;
}

/**
 * The edges between components. They count the items that pass and catch the exceptions of components, so that components do
 * neither. The innermost edge answers an exception with `permanent` (the sender gets a 500), logs it once and counts it.
 * Consumers returned from here do not reject.
 */
export interface Edges {
  /** For the data that a receiver pushes. `next` must not reject. `transports`: those whose counters begin at 0. */
  fromReceiver(at: EdgeOf, next: Consumer, transports?: readonly Transport[]): Consumer;
  /** For the data that a component derives and pushes. `next` must not reject. */
  fromConnector(at: EdgeOf, next: Consumer): Consumer;
  intoProcessor(at: EdgeOf, processor: Consumer): Consumer;
  outOfProcessor(at: EdgeOf, next: Consumer): Consumer;
  /** `countsItems`: the exporter counts itself what becomes of its items. */
  intoExporter(
    at: EdgeOf,
    exporter: Consumer,
    options: { readonly countsItems: boolean },
  ): Consumer;
}

/** Creates edges that count into `counts`; creating an edge creates its series. */
export function createEdges(counts: FlowCounts): Edges {
  return {
    fromReceiver(at, next, transports = ["http", "grpc"]) {
      const word = itemWords[at.signal];
      const seriesOf = (name: string, transport: string) =>
        counts.series(name, { receiver: at.id, transport });
      const outcomesOf = (transport: Transport): Outcomes => ({
        accepted: seriesOf(`otelcol_receiver_accepted_${word}`, transport),
        refused: seriesOf(`otelcol_receiver_refused_${word}`, transport),
      });
      const outcomes = new Map(transports.map((each) => [each, outcomesOf(each)]));
      const outcomesBy = (transport: Transport) => outcomes.get(transport) ?? outcomesOf(transport);
      return {
        ...counting(next, ({ transport = "http" }) => outcomesBy(transport)),
        countRefused(items, transport) {
          outcomesBy(transport).refused.value += items;
        },
      };
    },

    fromConnector(at, next) {
      const seriesOf = (outcome: string) =>
        counts.series("otelcol_connector_produced_items", {
          connector: at.id,
          "otel.signal": at.signal,
          "otelcol.component.outcome": outcome,
        });
      const outcomes = { accepted: seriesOf("success"), refused: seriesOf("refused") };
      return counting(next, () => outcomes);
    },

    intoProcessor(at, processor) {
      const incoming = counts.series("otelcol_processor_incoming_items", {
        processor: at.id,
        "otel.signal": at.signal,
      });
      return guard(at, processor, counts, incoming);
    },

    outOfProcessor(at, next) {
      const outgoing = counts.series("otelcol_processor_outgoing_items", {
        processor: at.id,
        "otel.signal": at.signal,
      });
      return {
        ...refusalOf(next),
        consume(payload) {
          outgoing.value += payload.items;
          return next.consume(payload);
        },
      };
    },

    intoExporter(at, exporter, { countsItems }) {
      const guarded = guard(at, exporter, counts);
      const { consumed, sent, sendFailed } = exportCountsOf(counts, at);
      if (countsItems) {
        return guarded;
      }
      const outcomes = { accepted: sent, refused: sendFailed };
      const counted = counting(guarded, () => outcomes);
      return {
        consume(payload) {
          consumed.value += payload.items;
          return counted.consume(payload);
        },
      };
    },
  };
}

/** The counters of one exporter and signal. */
export function exportCountsOf(
  counts: FlowCounts,
  { id, signal }: Pick<EdgeOf, "id" | "signal">,
): ExportCounts {
  const word = itemWords[signal];
  const seriesOf = (outcome: keyof typeof exportOutcomes) =>
    counts.series(`otelcol_exporter_${outcome}_${word}`, { exporter: id });
  return {
    consumed: seriesOf("consumed"),
    restored: seriesOf("restored"),
    sent: seriesOf("sent"),
    sendFailed: seriesOf("send_failed"),
    enqueueFailed: seriesOf("enqueue_failed"),
  };
}

interface Outcomes {
  readonly accepted: ItemCount;
  readonly refused: ItemCount;
}

/** Counts the items of a payload by the answer to it. */
function counting(next: Consumer, outcomesOf: (payload: Payload) => Outcomes): Consumer {
  return {
    ...refusalOf(next),
    async consume(payload) {
      const result = await next.consume(payload);
      const { accepted, refused } = outcomesOf(payload);
      (result.status === "accepted" ? accepted : refused).value += payload.items;
      return result;
    },
  };
}

/** `incoming` counts the items passed to the consumer. */
function guard(at: EdgeOf, consumer: Consumer, counts: FlowCounts, incoming?: Count): Consumer {
  const exceptions = counts.series("otelcol_component_exceptions", {
    "otelcol.component.kind": at.kind,
    "otelcol.component.id": at.id,
  });
  return {
    ...refusalOf(consumer),
    async consume(payload) {
      if (incoming !== undefined) {
        incoming.value += payload.items;
      }
      try {
        return await consumer.consume(payload);
      } catch (error) {
        exceptions.value += 1;
        at.logger.error(
          "A component threw an exception, so its payload was refused. This is a bug; please report it.",
          {
            "otelcol.signal": at.signal,
            items: payload.items,
            ...exceptionFields(error),
          },
        );
        return {
          status: "permanent",
          message: `The ${at.kind} ${at.id} failed because of a bug in this program.`,
        };
      }
    },
  };
}

function refusalOf(consumer: Consumer): Pick<Consumer, "refusal"> {
  return consumer.refusal === undefined ? {} : { refusal: () => consumer.refusal?.() };
}

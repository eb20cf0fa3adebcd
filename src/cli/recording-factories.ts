import type { Meter } from "@opentelemetry/api";
import type { Consumer } from "../component/consumer.ts";
import type { AnyFactory } from "../component/factory.ts";
import type { Payload } from "../otlp/payload.ts";

/** What a recording learns from the receivers. */
export interface RecordingEvents {
  /** A payload, before it goes on. */
  onPayload(payload: Payload): void;
  /** A request, or a line of a file, that a receiver refused before it was a payload; the reason is one of a fixed list. */
  onRefused(reason: string): void;
}

/** The counters of requests, and of lines of files, that never become a payload. */
const refusals: readonly string[] = [
  "otelcol_receiver_refused_requests",
  "otelcol_receiver_skipped_lines",
];

/** The same components, with receivers that also report what they take in and what they refuse. */
export function recordingFactories(
  factories: readonly AnyFactory[],
  events: RecordingEvents,
): readonly AnyFactory[] {
  return factories.map((factory): AnyFactory => {
    if (factory.kind !== "receiver") {
      return factory;
    }
    return {
      ...factory,
      create(settings, section) {
        const meter = watched(settings.meter, events);
        const component = factory.create({ ...settings, meter }, section);
        const { receiver } = component;
        return receiver === undefined
          ? component
          : {
              ...component,
              receiver: {
                ...receiver,
                connect: (signal, next) => receiver.connect(signal, tapped(next, events)),
              },
            };
      },
    };
  });
}

function watched(meter: Meter, { onRefused }: Pick<RecordingEvents, "onRefused">): Meter {
  return {
    ...meter,
    createCounter(name, options) {
      const counter = meter.createCounter(name, options);
      if (!refusals.includes(name)) {
        return counter;
      }
      return {
        add(value, attributes, context) {
          counter.add(value, attributes, context);
          // Each reason begins with a zero.
          if (value > 0) {
            onRefused(String(attributes?.["reason"]));
          }
        },
      };
    },
  };
}

function tapped(next: Consumer, { onPayload }: Pick<RecordingEvents, "onPayload">): Consumer {
  return {
    consume(payload) {
      onPayload(payload);
      return next.consume(payload);
    },
    refusal: () => next.refusal?.(),
    countRefused: (items, transport) => next.countRefused?.(items, transport),
  };
}

import type { Consumer } from "../component/consumer.ts";
import type { AnyFactory } from "../component/factory.ts";
import type { Payload } from "../otlp/payload.ts";

/** The same components, with receivers that also show each payload to `onPayload` before it goes on. */
export function recordingFactories(
  factories: readonly AnyFactory[],
  onPayload: (payload: Payload) => void,
): readonly AnyFactory[] {
  return factories.map((factory): AnyFactory => {
    if (factory.kind !== "receiver") {
      return factory;
    }
    return {
      ...factory,
      create(settings, section) {
        const component = factory.create(settings, section);
        const { receiver } = component;
        return receiver === undefined
          ? component
          : {
              ...component,
              receiver: {
                ...receiver,
                connect: (signal, next) => receiver.connect(signal, tapped(next, onPayload)),
              },
            };
      },
    };
  });
}

function tapped(next: Consumer, onPayload: (payload: Payload) => void): Consumer {
  return {
    consume(payload) {
      onPayload(payload);
      return next.consume(payload);
    },
    refusal: () => next.refusal?.(),
    countRefused: (items, transport) => next.countRefused?.(items, transport),
  };
}

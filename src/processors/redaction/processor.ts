import type { Component } from "../../component/component.ts";
import type { ConsumeResult, Consumer } from "../../component/consumer.ts";
import type { Settings } from "../../component/settings.ts";
import type { Payload, Signal } from "../../otlp/payload.ts";
import type { Config } from "./config.ts";
import { redactionInstruments } from "./redaction-instruments.ts";
import { RedactionProgram } from "./redaction-program.ts";
import { RequestRedactor } from "./request-redactor.ts";

/** A long request is redacted in parts of about this time, between which others are served. */
const partMs = 20;

const stopping: ConsumeResult = {
  status: "retryable",
  message: "The collector is stopping and accepts no more data.",
};
const undecodable: ConsumeResult = {
  status: "permanent",
  message: "The request cannot be decoded, so it was not redacted and not passed on.",
};

/**
 * Hashes, masks and deletes attributes and texts of what passes. Fails closed: what cannot be decoded is refused. Keeps nothing of the data.
 */
export function createRedaction(settings: Settings, config: Config): Component {
  const { clock, meter, id } = settings;
  const seed = new DataView(settings.randomBytes(4).slice().buffer).getInt32(0);
  const program = new RedactionProgram(config, seed);
  const { name, unit, description } = redactionInstruments.redacted;
  const counter = meter.createCounter(name, { unit, description });
  const labels = program.counted.map((counted) => ({ processor: id, ...counted }));
  let isShutDown = false;

  async function redacted(payload: Payload): Promise<Payload | undefined> {
    const counts = new Float64Array(labels.length);
    let partEndMs = clock.nowMs() + partMs;
    const redactor = new RequestRedactor(program, payload, {
      counts,
      mustPause: () => clock.nowMs() >= partEndMs,
    });
    for (const _ of redactor.run()) {
      await new Promise<void>((resolve) => {
        clock.after(0, resolve);
      });
      partEndMs = clock.nowMs() + partMs;
    }
    const bytes = redactor.result();
    if (bytes === undefined) {
      return undefined;
    }
    for (const [index, attributes] of labels.entries()) {
      const count = counts[index] ?? 0;
      if (count > 0 && attributes.action !== "keep") {
        counter.add(count, attributes);
      }
    }
    return bytes === payload.bytes ? payload : { ...payload, bytes };
  }

  return {
    processor: {
      wrap(_signal: Signal, next: Consumer): Consumer {
        return {
          async consume(payload) {
            if (isShutDown) {
              return stopping;
            }
            const rest = await redacted(payload);
            return rest === undefined ? undecodable : next.consume(rest);
          },
          refusal: () => next.refusal?.(),
        };
      },
    },

    async start() {
      for (const attributes of labels) {
        if (attributes.action !== "keep") {
          counter.add(0, attributes); // A rate needs a zero to begin from.
        }
      }
    },

    async shutdown() {
      isShutDown = true;
    },
  };
}

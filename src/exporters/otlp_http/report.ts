import type { ConsumeResult } from "../../component/consumer.ts";
import type { Settings } from "../../component/settings.ts";
import { decodeExportResponse } from "../../otlp/encode.ts";
import type { Payload } from "../../otlp/payload.ts";
import { rejectedItems } from "./export-instruments.ts";
import type { Target } from "./target.ts";
import { createThrottle } from "./throttle.ts";

/** The time between two log lines about the same kind of problem. */
const logIntervalMs = 10_000;

/** Logs and counts the problems with payloads. */
export function createReport({ id, clock, logger, meter }: Settings) {
  const { name, unit, description } = rejectedItems;
  const rejected = meter.createCounter(name, { unit, description });
  const limits = {
    retryable: createThrottle(clock, logIntervalMs),
    permanent: createThrottle(clock, logIntervalMs),
    partial: createThrottle(clock, logIntervalMs),
  };

  const record = (
    { signal, items }: Payload,
    { host }: Target,
    result: ConsumeResult,
    response: Uint8Array | undefined,
  ): void => {
    switch (result.status) {
      case "accepted": {
        const partial = response === undefined ? undefined : decodeExportResponse(signal, response);
        if (partial !== undefined && partial.rejected > 0) {
          rejected.add(partial.rejected, { exporter: id, "otel.signal": signal });
          limits.partial((heldBack) =>
            logger.warn(
              "The backend accepted a request but rejected some of its items. They are lost; check the backend's log.",
              {
                signal,
                host,
                rejected: partial.rejected,
                held_back: heldBack,
              },
            ),
          );
        }
        return;
      }
      case "retryable":
        limits.retryable((heldBack) =>
          logger.warn(
            "Sending to the backend failed. The sender was asked to retry, so nothing is lost yet.",
            {
              signal,
              items,
              reason: result.message,
              held_back: heldBack,
            },
          ),
        );
        return;
      case "permanent":
        limits.permanent((heldBack) =>
          logger.error("The backend refused the data permanently. The data is lost.", {
            signal,
            items,
            reason: result.message,
            held_back: heldBack,
          }),
        );
        return;
      default: {
        result satisfies never;
      }
    }
  };

  return {
    record,
    /** A counter that is there from the start lets `rate()` see the first refusal. */
    start() {
      for (const signal of rejectedItems.attributes["otel.signal"]) {
        rejected.add(0, { exporter: id, "otel.signal": signal });
      }
    },
  };
}

import Long from "long";
import type { Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import type { Chance } from "../system/kill/chance.ts";
import { secretCanary } from "./dialect.ts";
import { nanosOf, text } from "./dialects.ts";
import { itemKey } from "./items.ts";
import { secretKey } from "./redacted.ts";

/** Telemetry of an application that is no agent: it has to pass, whatever the rest does. */
export class Filler {
  readonly #sender: string;
  readonly #chance: Chance;
  #count = 0;

  constructor(sender: string, chance: Chance) {
    this.#sender = sender;
    this.#chance = chance;
  }

  /** A request of the next signal in turn. `bytesOfText` makes it larger. */
  next(bytesOfText = 40): { readonly signal: Signal; readonly bytes: Uint8Array } {
    const signals = ["traces", "logs", "metrics"] as const;
    const signal = signals[this.#count % signals.length] ?? "traces";
    return { signal, bytes: this.of(signal, bytesOfText) };
  }

  of(signal: Signal, bytesOfText: number): Uint8Array {
    const items = 1 + this.#chance.below(8);
    const resource = { attributes: [text("service.name", this.#sender)] };
    const filling = this.#chance.pick(["ä", "x", "漢", "🦞"]);
    const value = filling.repeat(Math.ceil(bytesOfText / items / Buffer.byteLength(filling)));
    const each = <T>(make: (id: string) => T): T[] =>
      Array.from({ length: items }, () => make(`${this.#sender} ${this.#count++}`));
    switch (signal) {
      case "traces":
        return otlp.ExportTraceServiceRequest.encode({
          resourceSpans: [
            {
              resource,
              scopeSpans: [
                {
                  scope: { name: "shop" },
                  spans: each(() => ({
                    traceId: this.#chance.bytes(16),
                    spanId: this.#chance.bytes(8),
                    name: "GET /health",
                    kind: 2,
                    startTimeUnixNano: nanosOf(Date.now() - 5),
                    endTimeUnixNano: nanosOf(Date.now()),
                    attributes: [text("text", value), text(secretKey, secretCanary)],
                    events: [{ timeUnixNano: nanosOf(Date.now()), name: "halfway" }],
                    status: { code: 1 },
                  })),
                },
              ],
            },
          ],
        }).finish();
      case "logs":
        return otlp.ExportLogsServiceRequest.encode({
          resourceLogs: [
            {
              resource,
              scopeLogs: [
                {
                  logRecords: each((id) => ({
                    timeUnixNano: nanosOf(Date.now()),
                    severityNumber: 9,
                    body: { stringValue: value },
                    attributes: [text(itemKey, id), text(secretKey, secretCanary)],
                  })),
                },
              ],
            },
          ],
        }).finish();
      case "metrics":
        return otlp.ExportMetricsServiceRequest.encode({
          resourceMetrics: [
            {
              resource,
              scopeMetrics: [
                {
                  metrics: each((id) => ({
                    name: "shop.orders",
                    sum: {
                      isMonotonic: true,
                      aggregationTemporality: 1,
                      dataPoints: [
                        {
                          timeUnixNano: nanosOf(Date.now()),
                          asInt: Long.fromNumber(this.#count),
                          attributes: [text(itemKey, id)],
                        },
                      ],
                    },
                  })),
                },
              ],
            },
          ],
        }).finish();
      default: {
        const never: never = signal;
        return never;
      }
    }
  }
}

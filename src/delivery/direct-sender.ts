import type { ConsumeResult } from "../component/consumer.ts";
import type { ExportCounts } from "../component/settings.ts";
import type { Payload, Signal } from "../otlp/payload.ts";
import { toConsumeResult } from "./consume-result.ts";
import type { DeliveryReport } from "./delivery-report.ts";
import type { SendWithRetries } from "./retry.ts";

/** Sends payloads without a queue: each sender waits for the result of its own. Keeps the payloads that are being sent. */
export class DirectSender {
  readonly #send: SendWithRetries;
  readonly #report: DeliveryReport;
  readonly #sending = new Map<Promise<unknown>, Signal>();

  constructor(send: SendWithRetries, report: DeliveryReport) {
    this.#send = send;
    this.#report = report;
  }

  /** Whether a payload of the signal is being sent. */
  isSending(signal: Signal): boolean {
    return [...this.#sending.values()].includes(signal);
  }

  /** Resolves when what is being sent now has ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#sending.keys());
  }

  async send(payload: Payload, counts: ExportCounts): Promise<ConsumeResult> {
    const sending = this.#send(payload, { sender: payload.sender });
    this.#sending.set(sending, payload.signal);
    try {
      const result = await sending;
      (result.status === "sent" ? counts.sent : counts.sendFailed).value += payload.items;
      if (result.status !== "sent") {
        this.#report.rejected(payload, result);
      }
      return toConsumeResult(result);
    } catch (error) {
      counts.sendFailed.value += payload.items;
      throw error;
    } finally {
      this.#sending.delete(sending);
    }
  }
}

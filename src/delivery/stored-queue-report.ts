import type { Logger } from "../component/settings.ts";
import type { Signal } from "../otlp/payload.ts";
import type { QueueJournal } from "./queue-journal.ts";

export const withoutPipelineMessage =
  "The stored queue has requests of a signal for which this exporter is in no pipeline. They stay stored; add the exporter to a pipeline of the signal to send them.";

/** What becomes of the journal of a queue at a reload: the successor goes on in it, or keeps its payloads elsewhere. */
export type JournalHandover = "none" | "shared" | "moved";

/** Logs what the journal of an exporter that ends still has. */
export function reportStoredQueue(
  journal: QueueJournal,
  {
    logger,
    handover,
    isHandedOver,
  }: {
    readonly logger: Logger;
    readonly handover: JournalHandover;
    /** Whether the successor has this signal. */
    readonly isHandedOver: (signal: Signal) => boolean;
  },
): void {
  const log = (
    level: "info" | "warn",
    message: string,
    isWanted: (signal: Signal) => boolean,
  ): void => {
    const stored = journal.stored(isWanted);
    if (stored.requests > 0) {
      logger[level](message, { ...stored });
    }
  };
  if (handover === "none") {
    log(
      "info",
      "The stored queue is kept and sent at the next start of this exporter.",
      () => true,
    );
    return;
  }
  log("warn", withoutPipelineMessage, (signal) => !isHandedOver(signal));
  if (handover === "moved") {
    log(
      "warn",
      "Requests of the stored queue could not be stored in the new place in time. They are being sent, and a copy of them stays in the old storage, which is sent again if this exporter starts from there.",
      isHandedOver,
    );
  }
}

import { type Dialect, dialects } from "../../model/dialects.ts";
import { type SignalBatch, signalTypes } from "../../model/signal-batch.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityRecord } from "../activity-record.ts";
import type { SenderProcess } from "../sender-processes.ts";
import { relayScopeName } from "./span-forms.ts";

/** What a relay or a preload sends when it stops watching its process, which lives on. It speaks to us alone. */
export const unwatchedEventName = "openclaw.activity.unwatched";

/** By this name our preload sends what is no span. */
const preloadScopeName = "openclaw-activity-preload";

const dialectOfScope: Readonly<Record<string, Dialect>> = {
  [relayScopeName]: dialects.relay.storedId,
  [preloadScopeName]: dialects.liveSpan.storedId,
};

/** False for an event of another name, or of anybody else: that says nothing of whose work it is about. */
export function addUnwatchedEvent(
  { eventName, atMs }: ActivityRecord,
  { sender, scopeName }: { readonly sender: SenderProcess; readonly scopeName: string },
  signals: SignalBatch,
): boolean {
  const isOurs = Object.hasOwn(dialectOfScope, scopeName);
  if (eventName !== unwatchedEventName || !isOurs) {
    return false;
  }
  signals.add({
    type: signalTypes.unwatched,
    dialect: dialectOfScope[scopeName] ?? dialects.relay.storedId,
    kind: workKinds.other,
    flags: 0,
    // One that can't be told apart from its siblings would speak for them as well.
    process: sender.isIdentified ? sender.process : 0,
    serviceHost: sender.serviceHost,
    startMs: atMs,
    endMs: 0,
  });
  return true;
}

import { KeyedHash } from "../../../src/activity/recognition/keyed-hash.ts";
import { LabelValues } from "../../../src/activity/recognition/label-values.ts";
import { LogObserver } from "../../../src/activity/recognition/log-signal-reader.ts";
import { SenderProcesses } from "../../../src/activity/recognition/sender-processes.ts";
import { SpanObserver } from "../../../src/activity/recognition/span-signal-reader.ts";
import { sessionReferences } from "../../../src/activity/recognition/work-spans.ts";

/** Observers as the processor makes them, with a key that is always the same. */
export function createSpanObserver(options: { readonly passesPending?: boolean } = {}) {
  const hash = new KeyedHash(new Uint8Array(8));
  const tools = new LabelValues(100);
  const processes = new SenderProcesses();
  const channels = new LabelValues(100);
  const parts = { processes, hash, tools, channels };
  return { observer: new SpanObserver({ ...parts, ...options }), ...parts };
}

export function createLogObserver(options: { readonly passesClaims?: boolean } = {}) {
  const { observer: spans, ...parts } = createSpanObserver();
  const told = { sessionReferences, stateIntervalMs: 5_000, ...options };
  const observer = new LogObserver({ ...parts, ...told, spans });
  return { observer, ...parts };
}

import { KeyedHash } from "../../../src/activity/recognition/keyed-hash.ts";
import { LabelValues } from "../../../src/activity/recognition/label-values.ts";
import { LogSignalReader } from "../../../src/activity/recognition/log-signal-reader.ts";
import { SenderProcesses } from "../../../src/activity/recognition/sender-processes.ts";
import { SpanSignalReader } from "../../../src/activity/recognition/span-signal-reader.ts";
import { sessionReferences } from "../../../src/activity/recognition/work-spans.ts";
import { parseDuration } from "../../../src/config/quantity.ts";

/** Readers as the processor makes them, with a key that is always the same. */
export function createSpanReader(
  options: {
    readonly forwardsPending?: boolean;
    readonly hash?: KeyedHash;
    readonly onFault?: (error: unknown) => void;
  } = {},
) {
  const hash = options.hash ?? new KeyedHash(new Uint8Array(16));
  const tools = new LabelValues(100);
  const processes = new SenderProcesses();
  const channels = new LabelValues(100);
  const parts = { processes, hash, tools, channels };
  return { observer: new SpanSignalReader({ ...parts, ...options }), ...parts };
}

export function createLogReader(
  options: {
    readonly forwardsClaims?: boolean;
    readonly parseDurationMs?: (text: string) => number | undefined;
    readonly onFault?: (error: unknown) => void;
  } = {},
) {
  const { observer: spans, ...parts } = createSpanReader();
  const observer = new LogSignalReader({
    ...parts,
    ...options,
    sessionReferences,
    intervals: {
      stateIntervalMs: 5_000,
      maxIntervalMs: 3_600_000,
      parseDurationMs: options.parseDurationMs ?? parseDurationMs,
    },
    spans,
  });
  return { observer, ...parts };
}

function parseDurationMs(text: string): number | undefined {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value : undefined;
}

import type { ConsumeResult, Consumer } from "../../component/consumer.ts";
import type { Settings } from "../../component/settings.ts";
import { waited } from "../../delivery/retry.ts";
import { nextDelayMs } from "../../delivery/retry-delay.ts";
import { maxJsonBytesFor } from "../../memory/memory-budget.ts";
import { jsonText } from "../../otlp/exact-json.ts";
import type { Payload, Signal } from "../../otlp/payload.ts";
import { readRequestValue } from "../../otlp/read-request.ts";
import { parseRequest } from "../../otlp/request-text.ts";
import type { SkipReport } from "./skip-report.ts";

/** `done`: the line is passed on or skipped, and never needed again. `stopped`: it must be read again after a restart. */
export type LineOutcome = "done" | "stopped";

/** Reading waits while a pipeline cannot take a line, for as long as it takes. */
const retryRules = {
  initial_interval: 1_000,
  randomization_factor: 0.5,
  multiplier: 1.5,
  max_interval: 30_000,
  max_elapsed_time: 0,
} as const;

const keys = {
  traces: ["resourceSpans", "resource_spans"],
  metrics: ["resourceMetrics", "resource_metrics"],
  logs: ["resourceLogs", "resource_logs"],
} as const satisfies Record<Signal, readonly string[]>;

const signals = ["traces", "metrics", "logs"] as const;

export interface LineDelivery {
  readonly settings: Settings;
  readonly consumers: ReadonlyMap<Signal, Consumer>;
  readonly report: SkipReport;
  /** Ends waiting for the next attempt. */
  readonly stop: AbortSignal;
}

export interface LineToDeliver {
  readonly bytes: Uint8Array;
  /** The file that has it. */
  readonly path: string;
  /** The signals that an earlier run has done. */
  readonly doneSignals: readonly Signal[];
  /** Called with the signals that are done, while others are not. */
  readonly onPartlyDone: (signals: readonly Signal[]) => void;
}

/** Passes the data of a line to the pipelines of its signals, one after the other. Never rejects. */
export async function deliverLine(
  line: LineToDeliver,
  delivery: LineDelivery,
): Promise<LineOutcome> {
  const payloads = payloadsOf(line, delivery);
  const done = [...line.doneSignals];
  for (const [index, payload] of payloads.entries()) {
    if ((await deliver(payload, delivery)) === "stopped") {
      return "stopped";
    }
    done.push(payload.signal);
    if (index < payloads.length - 1) {
      line.onPartlyDone(done);
    }
  }
  return "done";
}

/** The payloads of a line: one, or one for each signal that it has and that is not done. */
function payloadsOf(
  { bytes: line, path, doneSignals }: LineToDeliver,
  { consumers, report, settings }: LineDelivery,
): readonly Payload[] {
  const text = jsonText(line);
  if (text.weightBytes > maxJsonBytesFor(settings.memory)) {
    report.skipped("too_many_values", path);
    return [];
  }
  if (isBlank(line)) {
    return [];
  }
  const parsed = parseRequest(text, { whole: true });
  if (!parsed.ok) {
    if ("problem" in parsed) {
      report.skipped(parsed.problem, path, { detail: parsed.message });
    } else {
      report.skipped("not_json", path);
    }
    return [];
  }
  const { value } = parsed;
  const present = signalsOf(value);
  if (present.length === 0) {
    report.skipped("not_otlp", path, {
      detail: "It has none of the keys resourceSpans, resourceMetrics and resourceLogs.",
    });
  }
  return present.flatMap((signal) => {
    if (doneSignals.includes(signal)) {
      return [];
    }
    const checked = readRequestValue(signal, value);
    if (!checked.ok) {
      const detail = checked.message.replace(/^The (?:body|request)/, "The line");
      const reason = checked.problem === "too_complex" ? checked.problem : "not_otlp";
      report.skipped(reason, path, { signal, detail });
      return [];
    }
    const { bytes, items, rejected } = checked;
    report.malformed(signal, checked, path);
    if (rejected > 0) {
      consumers.get(signal)?.countRefused?.(rejected, "file");
    }
    if (items > 0 && !consumers.has(signal)) {
      report.skipped("no_pipeline", path, { signal });
    }
    return items > 0 && consumers.has(signal)
      ? [{ signal, bytes, items, transport: "file" as const }]
      : [];
  });
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte <= 0x20);
}

function signalsOf(value: unknown): readonly Signal[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [];
  }
  return signals.filter((signal) => keys[signal].some((key) => Object.hasOwn(value, key)));
}

async function deliver(
  payload: Payload,
  { settings, consumers, report, stop }: LineDelivery,
): Promise<LineOutcome> {
  const { clock, random } = settings;
  const next = consumers.get(payload.signal);
  for (let failures = 1; next !== undefined && !stop.aborted; failures++) {
    const result = next.refusal?.() ?? (await consumed(next, payload, report));
    switch (result.status) {
      case "accepted":
        return "done";
      case "permanent":
        report.refused(payload, result.message);
        return "done";
      case "retryable": {
        const { retryAfterMs } = result;
        const delayMs = nextDelayMs(retryRules, {
          failures,
          elapsedMs: 0,
          chance: random(),
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        });
        report.retried(payload, result.message, delayMs ?? retryRules.max_interval);
        await waited(clock, delayMs ?? retryRules.max_interval, stop);
        break;
      }
      default: {
        const never: never = result;
        return never;
      }
    }
  }
  return "stopped";
}

/** An exception is a bug of a component. It costs the line and does not end the reading. */
async function consumed(
  next: Consumer,
  payload: Payload,
  report: SkipReport,
): Promise<ConsumeResult> {
  try {
    return await next.consume(payload);
  } catch (error) {
    report.fault(error);
    return { status: "permanent", message: "A component failed because of a bug." };
  }
}

import type { Relay } from "./relay.ts";

/** One line of a recording. */
export interface RecordedEntry {
  /** When it happened, after the first line. A hook carries no time and gets the time of the line before it. */
  readonly offsetMs: number;
  /** Passes it to a relay as OpenClaw does. */
  feed(relay: Pick<Relay, "event" | "agentEvent" | "hook">): void;
}

/**
 * Reads a recording: one JSON object per line, `{metadata, event}` for a diagnostic event, `{agentEvent}` for an agent
 * event, or `{hook, event, context}` for a plugin hook. Throws an `Error` that names the line that cannot be read.
 */
export function parseRecording(text: string): readonly RecordedEntry[] {
  const entries: RecordedEntry[] = [];
  let firstMs: number | undefined;
  let offsetMs = 0;
  for (const [at, line] of text.split("\n").entries()) {
    if (line.trim() === "") {
      continue;
    }
    const { hook, event, agentEvent, metadata, context } = parseLine(line, at + 1);
    if (typeof hook === "string") {
      entries.push({ offsetMs, feed: (relay) => relay.hook(hook, event, context) });
      continue;
    }
    const recorded = agentEvent ?? event;
    const atMs = isObject(recorded) ? recorded["ts"] : undefined;
    if (typeof atMs === "number") {
      firstMs ??= atMs;
      offsetMs = Math.max(offsetMs, atMs - firstMs);
    }
    entries.push({
      offsetMs,
      feed: (relay) =>
        agentEvent === undefined ? relay.event(event, metadata) : relay.agentEvent(agentEvent),
    });
  }
  return entries;
}

function parseLine(line: string, number: number): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  if (!isObject(value) || !isObject(value["agentEvent"] ?? value["event"])) {
    throw new Error(
      `Line ${number} of the recording is not a JSON object with an "event". Expected {"metadata": …, "event": …}, {"agentEvent": …} or {"hook": …, "event": …, "context": …}.`,
    );
  }
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

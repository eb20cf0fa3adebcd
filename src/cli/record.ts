import { join } from "node:path";
import { components } from "../components.ts";
import type { Payload, Signal } from "../otlp/payload.ts";
import type { ServiceConfig } from "../service/config.ts";
import { CaptureKeys } from "./capture-keys.ts";
import { CaptureRedactor } from "./capture-redactor.ts";
import { CaptureText } from "./capture-text.ts";
import { CaptureWriter, writeProblem } from "./capture-writer.ts";
import { exitCodes } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import { readConfig } from "./read-config.ts";
import { recordingFactories } from "./recording-factories.ts";
import { run } from "./run.ts";
import { supportConfig } from "./support-config.ts";
import { programVersion } from "./version.ts";

export interface RecordOptions {
  readonly config: readonly string[];
  /** A folder that does not exist yet, or is empty. */
  readonly out: string;
  /** The recording ends before it gets larger. */
  readonly maxBytes: number;
  readonly durationMs: number;
}

const keyBytes = 32;

/**
 * Runs the collector and records what its receivers take in, as a folder that `replay` reads and that can be given away: ids are hashed
 * under a key that is made for this recording and thrown away, and content is left out. Ends at a stop signal, or when the time or the room
 * is used up. Resolves to the exit code.
 */
export async function record(host: Host, options: RecordOptions): Promise<number> {
  const config = readConfig(host, options.config);
  if (config === undefined) {
    return exitCodes.failure;
  }
  const text = new CaptureText(host.randomBytes(keyBytes));
  const keys = new CaptureKeys(ownKeysOf(config));
  const redactor = new CaptureRedactor(keys, text);
  const recording = openRecording(host, options, redactor);
  if (recording === undefined) {
    return exitCodes.failure;
  }
  const { writer } = recording;
  const about = aboutOf(host);
  try {
    writer.file("config.yaml", supportConfig(config, keys));
    writer.file("about.json", about.text());
  } catch (error) {
    writer.discard();
    return failed(host, options.out, error);
  }
  let hasStarted = false;
  const exitCode = await run(host, options.config, {
    factories: recordingFactories(components, recording),
    // A recording is complete also when a backend is down.
    isLossAccepted: true,
    onReady(stop, logger) {
      hasStarted = true;
      recording.onEnd(stop);
      host.clock.after(options.durationMs, stop);
      logger.info("Recording what the receivers take in. Stop it with SIGINT (Ctrl-C).", {
        directory: options.out,
        duration_ms: options.durationMs,
        max_size: options.maxBytes,
      });
    },
  });
  if (!hasStarted && writer.requests === 0) {
    // So that the same command can be tried again.
    writer.discard();
    return exitCode;
  }
  writer.close();
  try {
    writer.replace("about.json", about.text(recording.counts()));
  } catch (error) {
    return failed(host, options.out, error);
  }
  host.stdout(recording.summary(text, redactor));
  return recording.hasFailed() ? exitCodes.failure : exitCode;
}

/** Takes payloads until the room is used up, or the disk refuses. */
function openRecording(host: Host, { out, maxBytes }: RecordOptions, redactor: CaptureRedactor) {
  let writer: CaptureWriter;
  try {
    writer = new CaptureWriter(out);
  } catch (error) {
    failed(host, out, error);
    return undefined;
  }
  const taken = new Map<Signal, number>();
  /** Reason → requests that are not in the recording. The reasons are a fixed list. */
  const leftOut = new Map<string, number>();
  const leaveOut = (reason: string) => leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1);
  let end: "open" | "full" | "failed" = "open";
  let stop = () => {};
  const finish = (why: "full" | "failed") => {
    end = why;
    stop();
  };
  return {
    writer,
    hasFailed: () => end === "failed",
    /** Calls `run` when nothing more can be recorded; at once if that is so already. */
    onEnd(run: () => void) {
      stop = run;
      if (end !== "open") {
        run();
      }
    },
    onPayload(payload: Payload) {
      if (end !== "open") {
        return;
      }
      const bytes = redactor.redacted(payload);
      if (bytes === undefined) {
        leaveOut("undecodable");
        return;
      }
      // With room for the line of the index.
      if (writer.bytes + bytes.length + 200 > maxBytes) {
        finish("full");
        return;
      }
      try {
        writer.add(payload.signal, bytes, host.clock.unixMs());
        taken.set(payload.signal, (taken.get(payload.signal) ?? 0) + 1);
      } catch (error) {
        failed(host, out, error);
        finish("failed");
      }
    },
    onRefused(reason: string) {
      if (end === "open") {
        leaveOut(reason);
      }
    },
    counts: () => ({
      requests: writer.requests,
      requests_left_out: Object.fromEntries(leftOut),
      left_out_attributes: redactor.leftOutAttributes,
    }),
    summary: (text: CaptureText, { leftOutAttributes }: CaptureRedactor) =>
      [
        `Recorded ${counted(writer.requests, "request")}${listOf(taken)} in ${out}, ${writer.bytes} bytes.`,
        ...(end === "full" ? ["It ended because --max-size was reached."] : []),
        ...(leftOut.size > 0
          ? [`Left out requests that were refused or could not be decoded${listOf(leftOut)}.`]
          : []),
        `Hashed ${counted(text.hashedTexts, "id")} and left out ${counted(leftOutAttributes, "attribute")}, texts, events and links.`,
        "Look through it before you send it: the names of tools, agents and services are in it, trace ids, times, and the config without secrets.",
        `Replay it with: activity-collector replay ${inShell(out)} --config ${inShell(join(out, "config.yaml"))} --speed max`,
        "",
      ].join("\n"),
  };
}

function failed(host: Host, out: string, error: unknown): number {
  host.stderr(`Cannot record into ${out}. ${writeProblem(error)}\n`);
  return exitCodes.failure;
}

/** A path as a word of a command. */
function inShell(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function listOf(counts: ReadonlyMap<string, number>): string {
  return counts.size === 0
    ? ""
    : ` (${[...counts].map(([what, count]) => `${count} ${what}`).join(", ")})`;
}

/** `about.json`: what runs and since when; at the end also what became of the requests. */
function aboutOf(host: Host) {
  const begun = {
    version: programVersion(),
    node: process.version,
    platform: process.platform,
    architecture: process.arch,
    memory_limit_bytes: host.memory.limit.bytes,
    started: timeOf(host),
  };
  return {
    text(counts?: Readonly<Record<string, unknown>>): string {
      const about = counts === undefined ? begun : { ...begun, ended: timeOf(host), ...counts };
      return `${JSON.stringify(about, undefined, 2)}\n`;
    },
  };
}

function timeOf(host: Host): string {
  return new Date(host.clock.unixMs()).toISOString();
}

/** The attributes that the user's own rules of `session_activity` name. */
function ownKeysOf(config: ServiceConfig): {
  readonly sessions: readonly string[];
  readonly work: readonly string[];
} {
  const sessions: string[] = [];
  const work: string[] = [];
  for (const { kind, section } of config.components) {
    if (kind !== "processor") {
      continue;
    }
    sessions.push(
      ...listIn(section, "session_references").filter((each) => typeof each === "string"),
    );
    for (const rule of listIn(section, "work_spans")) {
      work.push(...Object.keys(mapIn(mapIn(rule, "match"), "attributes")));
    }
  }
  return { sessions, work };
}

function listIn(value: unknown, key: string): readonly unknown[] {
  const list: unknown = Reflect.get(mapOf(value), key);
  return Array.isArray(list) ? list : [];
}

function mapIn(value: unknown, key: string): object {
  return mapOf(Reflect.get(mapOf(value), key));
}

function mapOf(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { readRegularFileSync, UnreadableFile } from "../files/regular-file.ts";
import type { Signal } from "../otlp/payload.ts";

/** One recorded OTLP request. */
export interface CapturedRequest {
  readonly signal: Signal;
  readonly encoding: "protobuf" | "json";
  readonly path: string;
  /** When it was recorded, Unix milliseconds; absent for a single body without an index. */
  readonly atMs?: number;
}

/** The requests of the files, in order of arrival, or the problems; never both. */
export type Captures =
  | { readonly ok: true; readonly requests: readonly CapturedRequest[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Finds the recorded requests. Each of `paths` is a folder with an `index.jsonl` (lines of `id`, `at` in
 * Unix milliseconds, `signal`, `contentType`; bodies in `<id>-<signal>.bin` or `.json`), or a single body,
 * `.bin` (protobuf) or `.json`, whose name contains its signal (`0002-traces.bin`, `traces.json`) unless
 * `signal` is given. Folders and files are taken one after the other. Bodies are not read yet.
 */
export function findCaptures(paths: readonly string[], signal?: Signal): Captures {
  const requests: CapturedRequest[] = [];
  const problems: string[] = [];
  for (const path of paths) {
    try {
      requests.push(
        ...(statSync(path).isDirectory() ? readFolder(path) : [singleFile(path, signal)]),
      );
    } catch (error) {
      problems.push(error instanceof CaptureProblem ? error.message : unreadable(path, error));
    }
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, requests };
}

/** The index of a million requests. */
const maxIndexBytes = 256 * 2 ** 20;

class CaptureProblem extends Error {}

function readFolder(folder: string): readonly CapturedRequest[] {
  const files = new Set(readdirSync(folder));
  if (!files.has("index.jsonl")) {
    throw new CaptureProblem(
      `Cannot replay ${folder}: it has no index.jsonl. Name the body files instead, e.g. ${join(folder, "*.bin")}.`,
    );
  }
  const lines = Buffer.from(readRegularFileSync(join(folder, "index.jsonl"), maxIndexBytes))
    .toString("utf8")
    .split("\n");
  return lines.flatMap((line, index) => {
    if (line.trim() === "") {
      return [];
    }
    const where = `${join(folder, "index.jsonl")}:${index + 1}`;
    const entry = parseEntry(line, where);
    const name = [`${entry.id}-${entry.signal}.bin`, `${entry.id}-${entry.signal}.json`].find(
      (file) => files.has(file),
    );
    if (name === undefined) {
      throw new CaptureProblem(
        `Cannot replay ${where}: the body ${entry.id}-${entry.signal}.bin is missing.`,
      );
    }
    const encoding = entry.isJson || name.endsWith(".json") ? "json" : "protobuf";
    return [{ signal: entry.signal, encoding, path: join(folder, name), atMs: entry.atMs }];
  });
}

interface IndexEntry {
  readonly id: string;
  readonly signal: Signal;
  readonly atMs: number;
  readonly isJson: boolean;
}

function parseEntry(line: string, where: string): IndexEntry {
  const entry: unknown = parseJson(line);
  if (typeof entry === "object" && entry !== null && "id" in entry && "at" in entry) {
    const { id, at } = entry;
    const signal = "signal" in entry ? signalOf(String(entry.signal)) : undefined;
    const contentType = "contentType" in entry ? String(entry.contentType) : "";
    if (typeof id === "string" && typeof at === "number" && signal !== undefined) {
      return { id, signal, atMs: at, isJson: contentType.startsWith("application/json") };
    }
  }
  throw new CaptureProblem(
    `Cannot replay ${where}: a line must be an object with "id", "at" (Unix milliseconds) and "signal" (traces, metrics or logs).`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function singleFile(path: string, given: Signal | undefined): CapturedRequest {
  const signal = given ?? signalOf(/(traces|metrics|logs)/.exec(basename(path))?.[1] ?? "");
  if (signal === undefined) {
    throw new CaptureProblem(
      `Cannot replay ${path}: its name contains no signal. Add --signal with traces, metrics or logs.`,
    );
  }
  return { signal, encoding: path.endsWith(".json") ? "json" : "protobuf", path };
}

function signalOf(word: string): Signal | undefined {
  return word === "traces" || word === "metrics" || word === "logs" ? word : undefined;
}

function unreadable(path: string, error: unknown): string {
  if (error instanceof UnreadableFile) return `Cannot replay ${path}: ${error.message}`;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT"
    ? `Cannot replay ${path}: there is no such file or folder.`
    : `Cannot replay ${path}: ${error instanceof Error ? error.message : String(error)}.`;
}

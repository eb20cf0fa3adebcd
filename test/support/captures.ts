import { readdirSync, readFileSync } from "node:fs";
import type { Signal } from "../../src/otlp/payload.ts";
import { pathOf } from "./repository.ts";

/** One request of a real gateway, as it was recorded. */
export interface CapturedRequest {
  readonly signal: Signal;
  readonly contentType: string;
  readonly body: Uint8Array;
}

/**
 * The captures of `test/testdata/openclaw` and how many markers were orphaned in each, by the table of
 * their README.
 */
export const orphanedMarkers = {
  "e2e-430": 0,
  "v430-healthy": 0,
  "v430-healthy-genai": 0,
  "v430-nested": 1,
  "v430-orphan-tool": 1,
  "v430-same-session-retry": 1,
  "v610-healthy": 0,
  "v610-late-tool-terminal": 0,
  "v610-nested": 1,
  "v610-orphan-tool": 1,
  "v9x-codex-ambient": 0,
  "v9x-healthy": 0,
  "v9x-orphan-tool": 1,
} as const;

/** How many runs there were in each: a harness run with the run in it is one, however often it is exported. */
export const trueRuns: Readonly<Record<keyof typeof orphanedMarkers, number>> = {
  "e2e-430": 5,
  "v430-healthy": 1,
  "v430-healthy-genai": 1,
  "v430-nested": 2,
  "v430-orphan-tool": 1,
  "v430-same-session-retry": 2,
  "v610-healthy": 1,
  "v610-late-tool-terminal": 1,
  "v610-nested": 2,
  "v610-orphan-tool": 1,
  "v9x-codex-ambient": 1,
  "v9x-healthy": 1,
  "v9x-orphan-tool": 1,
};

export type CaptureName = keyof typeof orphanedMarkers;

export function captureFolder(name: CaptureName): string {
  return pathOf(`test/testdata/openclaw/${name}`);
}

/** Every folder there is, whether or not the table knows it. */
export function captureFolders(): readonly string[] {
  return readdirSync(pathOf("test/testdata/openclaw"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

/** The requests of a capture in their order of arrival. */
export function captured(name: CaptureName): readonly CapturedRequest[] {
  const folder = captureFolder(name);
  return readFileSync(`${folder}/index.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const { id, signal, contentType } = JSON.parse(line) as {
        id: string;
        signal: Signal;
        contentType: string;
      };
      return { signal, contentType, body: readFileSync(`${folder}/${id}-${signal}.bin`) };
    });
}

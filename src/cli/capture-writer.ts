import { closeSync, mkdirSync, openSync, readdirSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Signal } from "../otlp/payload.ts";

/** Only the user who records may read it. */
const fileMode = 0o600;
const directoryMode = 0o700;

/** A folder that `replay` reads: bodies, and `index.jsonl` with a line for each of them. */
export class CaptureWriter {
  readonly #folder: string;
  readonly #index: number;
  #count = 0;
  bytes = 0;

  /** Throws what the file system throws, and an `Error` if the folder has something in it. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: directoryMode });
    if (readdirSync(folder).length > 0) {
      throw new Error("it is not empty; name a new folder");
    }
    this.#folder = folder;
    this.#index = openSync(join(folder, "index.jsonl"), "wx", fileMode);
  }

  get requests(): number {
    return this.#count;
  }

  /** Adds a body in protobuf that arrived at a time in Unix milliseconds. */
  add(signal: Signal, body: Uint8Array, atUnixMs: number): void {
    this.#count += 1;
    const id = String(this.#count).padStart(6, "0");
    this.file(`${id}-${signal}.bin`, body);
    const line = {
      id,
      at: Math.round(atUnixMs),
      signal,
      contentType: "application/x-protobuf",
      size: body.length,
    };
    const text = `${JSON.stringify(line)}\n`;
    writeSync(this.#index, text);
    this.bytes += text.length;
  }

  file(name: string, content: string | Uint8Array): void {
    writeFileSync(join(this.#folder, name), content, { mode: fileMode, flag: "wx" });
    this.bytes += content.length;
  }

  close(): void {
    closeSync(this.#index);
  }
}

import {
  type FileSystem,
  type OpenFile,
  systemFiles,
} from "../../../src/exporters/file/file-system.ts";

type Call = "open" | "write" | "cut" | "sync" | "rename";

/** The real file system, in which calls can be made to fail or to wait. */
export class FailingFiles implements FileSystem {
  /** The calls that fail, with their error code. */
  readonly failing = new Map<Call, string>();
  /** How many bytes a failing write has written before. */
  partBytes = 0;
  /** Every write waits for this. */
  gate: Promise<void> = Promise.resolve();
  /** Sizes of the writes, and "sync" for each sync. */
  readonly calls: (number | "sync")[] = [];

  facts = systemFiles.facts;
  remove = systemFiles.remove;
  names = systemFiles.names;
  makeDirectory = systemFiles.makeDirectory;

  async rename(from: string, to: string): Promise<void> {
    this.#failIf("rename");
    await systemFiles.rename(from, to);
  }

  async open(path: string): Promise<OpenFile> {
    this.#failIf("open");
    const file = await systemFiles.open(path);
    return {
      ...file,
      write: async (parts, position) => {
        await this.gate;
        if (this.failing.has("write")) {
          await file.write([Buffer.concat(parts).subarray(0, this.partBytes)], position);
        }
        this.#failIf("write");
        this.calls.push(Buffer.concat(parts).length);
        await file.write(parts, position);
      },
      cut: async (sizeBytes) => {
        this.#failIf("cut");
        await file.cut(sizeBytes);
      },
      sync: async () => {
        this.#failIf("sync");
        this.calls.push("sync");
        await file.sync();
      },
    };
  }

  #failIf(call: Call): void {
    const code = this.failing.get(call);
    if (code !== undefined) {
      throw Object.assign(new Error(`${code}: made up`), { code });
    }
  }
}

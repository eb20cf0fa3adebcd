import { Session } from "node:inspector";

/**
 * Which blocks of `src` were executed, as V8 counts them in this process. Counting is for all code at once, so a look costs
 * milliseconds; the fuzzer looks once in hundreds of inputs.
 */
export class SourceCoverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();
  /** Files of `src` that were executed, by their path in the repository. */
  readonly files = new Set<string>();

  start(): void {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  stop(): void {
    this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }

  /** Blocks that were executed since the start. */
  get blocks(): number {
    return this.#seen.size;
  }

  /** The blocks that were executed since the last look and never before. */
  look(): readonly string[] {
    const found = [...this.take()].filter((block) => !this.#seen.has(block));
    for (const block of found) {
      this.#seen.add(block);
    }
    return found;
  }

  /** The blocks that were executed since the last look. */
  take(): ReadonlySet<string> {
    const blocks = new Set<string>();
    // The session is of this thread, so it answers before `post` returns.
    this.#session.post("Profiler.takePreciseCoverage", (error, taken) => {
      if (error !== null) {
        throw error;
      }
      for (const { url, scriptId, functions } of taken.result) {
        const file = /\/(src\/.*)$/.exec(url)?.[1];
        if (file === undefined || url.includes("node_modules")) {
          continue;
        }
        for (const { functionName, ranges } of functions) {
          for (const { startOffset, endOffset, count } of ranges) {
            if (count > 0) {
              blocks.add(`${scriptId} ${startOffset} ${endOffset}`);
              // The module itself has no name; an import executes it.
              if (functionName !== "") {
                this.files.add(file);
              }
            }
          }
        }
      }
    });
    return blocks;
  }
}

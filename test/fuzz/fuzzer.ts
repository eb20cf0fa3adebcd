import { createHash } from "node:crypto";
import { FuzzRandom } from "./fuzz-random.ts";
import type { FuzzTarget, Seen } from "./fuzz-target.ts";
import { minimized } from "./minimize.ts";
import { type Material, mutated } from "./mutate.ts";
import type { SourceCoverage } from "./source-coverage.ts";

export interface Finding {
  /** The kind of failure. Findings of one kind are one finding. */
  readonly kind: string;
  readonly input: Uint8Array;
  /** After how many executions it was met. */
  readonly execution: number;
}

export interface FuzzReport {
  readonly target: string;
  readonly executions: number;
  readonly corpus: number;
  /** Blocks of `src` after the seeds, and after everything; 0 without coverage. */
  readonly seedBlocks: number;
  readonly blocks: number;
  readonly findings: readonly Finding[];
}

export interface FuzzOptions {
  readonly executions: number;
  readonly seed: number;
  /** Without it the corpus stays as it is. */
  readonly coverage?: SourceCoverage | undefined;
  /** Inputs besides the seeds. */
  readonly inputs?: readonly Uint8Array[];
  readonly isBroken?: boolean;
  /** Ends the run early. */
  readonly maxFindings?: number;
}

/** Inputs between two looks at the coverage, which cost as much as hundreds of them. */
const batchSize = 512;
const maxCorpus = 4_000;
/** Of one batch. Finding them costs time. */
const maxKept = 8;
/** The inputs are small, so nothing that is in proportion to them takes this long. */
const maxCpuMs = 250;
const slow = "slow";
/** One input in so many is read twice, to compare. */
const comparedEach = 8;

/** Executes one target with mutations of its seeds. Inputs that reach new code are mutated further. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  const { seed, executions, coverage, maxFindings = 20 } = options;
  const random = new FuzzRandom(seed ^ hashOf(target.name));
  const run = options.isBroken === true ? target.runBroken : target.run;
  const corpus = [...target.seeds(), ...(options.inputs ?? [])];
  const material: Material = { words: target.words, corpus, maxBytes: target.maxBytes };
  const findings = new Map<string, Finding>();
  let count = 0;

  const execute = async (input: Uint8Array) => {
    count += 1;
    const pending = failureOf(run, input, count % comparedEach === 0);
    const first = pending instanceof Promise ? await pending : pending;
    // Once may be the collection of garbage, or another thread of this process.
    const kind = first === slow ? await failureOf(run, input, false) : first;
    if (kind !== undefined && !findings.has(kind)) {
      const execution = count;
      const shortest = await minimized(
        input,
        async (each) => (await failureOf(run, each, true)) === kind,
      );
      findings.set(kind, { kind, input: shortest, execution });
    }
  };

  coverage?.look();
  for (const input of [...corpus]) {
    if (findings.size < maxFindings) {
      await execute(input);
    }
  }
  coverage?.look();
  const seedBlocks = coverage?.blocks ?? 0;
  if (corpus.length === 0) {
    corpus.push(new Uint8Array(0));
  }

  while (count < executions && findings.size < maxFindings) {
    const batch: Uint8Array[] = [];
    for (let left = Math.min(batchSize, executions - count); left > 0; left--) {
      const input = mutated(random.pick(corpus), random, material);
      batch.push(input);
      await execute(input);
      if (findings.size >= maxFindings) {
        break;
      }
    }
    const blocks = coverage?.look() ?? [];
    if (coverage !== undefined && blocks.length > 0 && corpus.length < maxCorpus) {
      corpus.push(...(await reaching(batch, blocks, run, coverage)));
    }
  }
  return {
    target: target.name,
    executions: count,
    corpus: corpus.length,
    seedBlocks,
    blocks: coverage?.blocks ?? 0,
    findings: [...findings.values()],
  };
}

/** The inputs of a batch that reach the new blocks, one for each block: the batch is executed again by halves. */
async function reaching(
  batch: readonly Uint8Array[],
  blocks: readonly string[],
  run: FuzzTarget["run"],
  coverage: SourceCoverage,
): Promise<readonly Uint8Array[]> {
  const executed = async (part: readonly Uint8Array[]) => {
    coverage.take();
    for (const input of part) {
      await failureOf(run, input, false);
    }
    return coverage.take();
  };
  const kept: Uint8Array[] = [];
  let left = blocks;
  while (left.length > 0 && kept.length < maxKept) {
    const [block = ""] = left;
    let part = batch;
    while (part.length > 1) {
      const half = part.slice(0, part.length >> 1);
      part = (await executed(half)).has(block) ? half : part.slice(half.length);
    }
    kept.push(...part);
    const reached = await executed(part);
    left = left.filter((each) => each !== block && !reached.has(each));
  }
  return kept;
}

/** The kind of failure that an input meets; undefined for none. */
function failureOf(
  run: FuzzTarget["run"],
  input: Uint8Array,
  isCompared: boolean,
): string | undefined | Promise<string | undefined> {
  const startUs = cpuUs();
  try {
    const seen = run(input);
    if (seen instanceof Promise) {
      return finished(seen, run, input, isCompared, startUs);
    }
    const again = isCompared ? run(input) : seen;
    return again instanceof Promise ? undefined : verdict(seen, again, startUs);
  } catch (error) {
    return kindOf(error);
  }
}

async function finished(
  first: Promise<Seen>,
  run: FuzzTarget["run"],
  input: Uint8Array,
  isCompared: boolean,
  startUs: number,
): Promise<string | undefined> {
  try {
    const seen = await first;
    return verdict(seen, isCompared ? await run(input) : seen, startUs);
  } catch (error) {
    return kindOf(error);
  }
}

function verdict(seen: Seen, again: Seen, startUs: number): string | undefined {
  if (seen !== again) {
    return "two runs differ";
  }
  return cpuUs() - startUs > maxCpuMs * 1000 ? slow : undefined;
}

/** The time of this process, because others may have the processor. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Without numbers and quotes, which are those of one input. */
function kindOf(error: unknown): string {
  const text =
    error instanceof Error ? `${error.constructor.name}: ${error.message}` : String(error);
  const place =
    error instanceof Error ? /\/((?:src|test)\/[^?:)]*)/.exec(error.stack ?? "")?.[1] : "";
  return `${text
    .replace(/"[^"]*"|'[^']*'/g, "…")
    .replace(/\d+/g, "N")
    .slice(0, 100)} (${place ?? ""})`;
}

function hashOf(name: string): number {
  return createHash("sha256").update(name).digest().readInt32LE();
}

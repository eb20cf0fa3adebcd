const runs = process.env["MODEL_RUNS"];
const seed = process.env["MODEL_SEED"];

/**
 * How many random histories a property is tried with, and which ones. The same `usual` ones each time, so that what
 * fails is the fault of the change; as many new ones as `MODEL_RUNS` with `npm run test:model`. `MODEL_SEED`
 * repeats those that failed.
 */
export function plays(usual: number): { readonly numRuns: number; readonly seed?: number } {
  return {
    numRuns: Number(runs ?? usual),
    ...(runs !== undefined && seed === undefined ? {} : { seed: Number(seed ?? 1) }),
  };
}

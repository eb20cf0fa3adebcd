const runs = process.env["MODEL_RUNS"];

/** How many random histories a property is tried with: `usual`, and as many as `MODEL_RUNS` says with `npm run test:model`. */
export function plays(usual: number): { readonly numRuns: number } {
  return { numRuns: Number(runs ?? usual) };
}

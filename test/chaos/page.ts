import { survivedRows } from "./report.ts";
import type { Outcome } from "./world.ts";

const heading = "## All faults at once";
const begin = "<!-- Written by `npm run chaos`. -->";

/** The section of docs/reliability.md that a run of the chaos test writes; empty when the page has none. */
export function chaosSectionIn(page: string): string {
  const at = page.indexOf(heading);
  return at === -1 ? "" : page.slice(at);
}

/** The page with the figures of another run. */
export function withChaosFigures(
  page: string,
  {
    outcome,
    seed,
    seconds,
  }: { readonly outcome: Outcome; readonly seed: number; readonly seconds: number },
): string {
  const at = page.indexOf(begin);
  if (at === -1) {
    throw new Error(`The page lacks the line ${begin}`);
  }
  const rows = survivedRows(outcome).filter(([name]) => name !== "");
  return `${page.slice(0, at)}${begin}

A run of ${Math.round(seconds / 60)} minutes with seed ${seed}:

| What happened | How often |
| --- | --: |
${rows.map(([name, value]) => `| ${name.trim()} | ${value} |`).join("\n")}
`;
}

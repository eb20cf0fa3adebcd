import type { Trial } from "./trial.ts";
export function accuracyPage(trials: readonly Trial[], seed: number): string {
  return `${seed} ${trials.length}\n`;
}

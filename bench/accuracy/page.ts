import { machineFacts } from "../report.ts";
import { pageText } from "./page-text.ts";
import { figuresOf, reasonsText, targetText } from "./report.ts";
import type { Trial } from "./trial.ts";
import type { Case } from "./verdict.ts";

/** `docs/accuracy.md`. */
export function accuracyPage(trials: readonly Trial[], seed: number): string {
  const { introduction, words, limits } = pageText;
  return [
    "# How often it is right",
    introduction,
    `Written by \`npm run accuracy\` with seed ${seed}: ${machineFacts()}.`,
    table(trials.map(figuresOf)),
    words,
    "## The scenarios",
    ...trials.map(chapterOf),
    limits,
  ].join("\n\n");
}

function chapterOf(trial: Trial): string {
  const { scenario, verdict, misses, sessions, processes } = trial;
  const { unknowable, unknowableOrphans, closedInTime, undecided, held } = verdict;
  const lines = [
    `${sessions.toLocaleString("en")} sessions in ${processes} processes. Target: ${targetText(scenario)}.`,
    `Evictions: ${reasonsText(verdict) || "none"}; ${verdict.wrong} of them wrong, ${undecided} of what can't be known.`,
    `Unknowable: ${unknowable} markers, ${unknowableOrphans} of them orphans. ${closedInTime} more orphans were closed by their gateway within the lateness and are none.`,
    ...(held === 0 ? [] : [`Evictions were held back ${times(held)}.`]),
    ...misses.map((miss) => `**Missed:** ${miss}.`),
    ...casesText(verdict.cases),
    ...(pageText.notes[scenario.name] ?? []),
  ];
  return [`### \`${scenario.name}\``, scenario.about, ...lines].join("\n\n");
}

/** What went wrong, by what it was. */
function casesText(cases: readonly Case[]): readonly string[] {
  const groups = new Map<string, number>();
  for (const { what, reason, work } of cases) {
    const name = [what.replaceAll("_", " "), reason, work?.kind.replace("_", " ") ?? "unknown"];
    const key = name.filter((part) => part !== "").join(", ");
    groups.set(key, (groups.get(key) ?? 0) + 1);
  }
  return groups.size === 0
    ? []
    : [`Cases: ${[...groups].map(([name, count]) => `${count} × ${name}`).join("; ")}.`];
}

function table(rows: readonly Readonly<Record<string, string>>[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(columns),
    line(columns.map((_, index) => (index === 0 ? "---" : "---:"))),
    ...rows.map((row) => line(columns.map((column) => row[column] ?? ""))),
  ].join("\n");
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

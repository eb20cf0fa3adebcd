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
    ...statesText(trial),
    ...(held === 0 ? [] : [`Evictions were held back ${times(held)}.`]),
    ...misses.map((miss) => `**Missed:** ${miss}.`),
    ...casesText(verdict.cases),
    ...(pageText.notes[scenario.name] ?? []),
  ];
  return [`### \`${scenario.name}\``, scenario.about, ...lines].join("\n\n");
}

/** What was said of sessions, and of what their gateways complained of. */
function statesText({ states, claims, alerts, siblings }: Trial): readonly string[] {
  const lines = [
    `${alerts.stalls} reports of a stalled session; ${alerts.wrong} of them of one that was not, ${alerts.unknowable} of one of which it can't be known.`,
  ];
  if (states !== undefined) {
    const { settled, settledRight, changing, changingRight, unknowable, unknowableAsDelivered } =
      states;
    lines.push(
      `States: ${settledRight} of ${settled} right; near a change ${changingRight} of ${changing}; of ${unknowable} that can't be known ${unknowableAsDelivered} as what was delivered has it.`,
    );
  }
  if (siblings.silences > 0) {
    lines.push(
      `Tools that were silent while their run went on: ${siblings.reported} of ${siblings.silences} reported by themselves, and ${siblings.wrong} others.`,
    );
  }
  if (claims.claims > 0) {
    lines.push(`Complaints of gateways: ${claims.right} of ${claims.claims} answered right.`);
  }
  return lines;
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

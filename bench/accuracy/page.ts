import { machineFacts } from "../report.ts";
import type { Case } from "./eviction-score.ts";
import { pageText } from "./page-text.ts";
import { figuresOf, reasonsText, targetText } from "./report.ts";
import type { Trial } from "./trial.ts";

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
  const { scenario, evictions, misses, sessions, processes } = trial;
  const { unknowable, unknowableOrphans, closedInTime, undecided, held } = evictions;
  const lines = [
    `${sessions.toLocaleString("en")} sessions in ${processes} processes. Target: ${targetText(scenario)}.`,
    `Evictions: ${reasonsText(evictions) || "none"}. Wrong: ${evictions.wrong}. Unknowable: ${undecided}.`,
    `Unknowable markers: ${unknowable}, ${unknowableOrphans} of them orphans. Markers that their gateway closed within the lateness, and that are therefore not orphans: ${closedInTime}.`,
    ...statesText(trial),
    ...(held === 0 ? [] : [`Evictions were held back ${times(held)}.`]),
    ...misses.map((miss) => `**Missed:** ${miss}.`),
    ...casesText(evictions.cases),
    ...(pageText.notes[scenario.name] ?? []),
  ];
  return [`### \`${scenario.name}\``, scenario.about, ...lines].join("\n\n");
}

/** How often states and verdicts were right. */
function statesText({ states, claims, alerts, siblings }: Trial): readonly string[] {
  const lines = [
    `Reports of a stalled session: ${alerts.stalls}. Wrong: ${alerts.wrong}. Unknowable: ${alerts.unknowable}.`,
  ];
  if (states !== undefined) {
    const { settled, settledRight, changing, changingRight, unknowable, unknowableAsDelivered } =
      states;
    lines.push(
      `States: ${settledRight} of ${settled} right. Near a change: ${changingRight} of ${changing} right. Unknowable: ${unknowableAsDelivered} of ${unknowable} match the delivered data.`,
    );
  }
  if (siblings.silences > 0) {
    lines.push(
      `Silent tools in a run that made progress: ${siblings.reported} of ${siblings.silences} reported; ${siblings.wrong} wrong reports.`,
    );
  }
  if (claims.claims > 0) {
    lines.push(
      `Complaints of gateways: ${claims.right} of ${claims.claims} got the right verdict.`,
    );
  }
  return lines;
}

/** The mistakes, by kind. */
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

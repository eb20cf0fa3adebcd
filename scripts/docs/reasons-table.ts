import { evictionReasons, reasons } from "../../src/activity/model/reasons.ts";
import { table } from "./markdown.ts";

const reopenedBy = {
  nothing: "nothing",
  relay_or_later_heartbeat:
    "a repeated start from the relay, or one that was sent after the eviction and has a time of its own",
  later_heartbeat: "a repeated start that was sent after the eviction and has a time of its own",
} as const;

/** Every reason of eviction with its fixed properties, in order of precedence. */
export function reasonsTable(): string {
  return table(
    ["`reason`", "When", "`confidence`", "Evicts", "Taken back by", "What to do"],
    evictionReasons.map((name) => {
      const { description, confidence, evictsRuns, reopensOn, whatToDo } = reasons[name];
      return [
        `\`${name}\``,
        description,
        confidence,
        evictsRuns ? "runs, tools, model calls" : "tools, model calls",
        reopenedBy[reopensOn],
        whatToDo,
      ];
    }),
  );
}

/** Every reason with only the columns that an operator needs. */
export function shortReasonsTable(): string {
  return table(
    ["`reason`", "When", "What to do"],
    evictionReasons.map((name) => [
      `\`${name}\``,
      reasons[name].description,
      reasons[name].whatToDo,
    ]),
  );
}

import { dialects, resultMeanings, signalResults } from "../../src/activity/model/dialects.ts";
import { table } from "./markdown.ts";

/** The dialects of `session_activity` in its README, from the table that the collector uses. */
export function dialectsTable(): string {
  return table(
    ["`dialect`", "code", "on the wire", "what happens to it"],
    Object.values(dialects).map(({ name, codes, onTheWire, handling }) => [
      `\`${name}\``,
      codes.join(", "),
      onTheWire,
      handling,
    ]),
  );
}

/** The results of signals in the README of `session_activity`, in the order of `signalResults`, with the dialects that have each. */
export function resultsTable(): string {
  return table(
    ["`result`", "means", "`dialect`"],
    signalResults.map((result) => [
      `\`${result}\``,
      resultMeanings[result],
      Object.values(dialects)
        .filter(({ results }) => results.some((each) => each === result))
        .map(({ name }) => `\`${name}\``)
        .join(", "),
    ]),
  );
}

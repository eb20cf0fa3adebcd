import { dialects } from "../../src/activity/model/dialects.ts";
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

import { readFileSync } from "node:fs";

/** Where ids stand that belong to one conversation, run or call. */
const idKeys = new Set([
  "runId",
  "sessionId",
  "sessionKey",
  "childSessionKey",
  "requesterSessionKey",
  "toolCallId",
  "callId",
  "nextSessionId",
  "activeToolCallId",
  "approvalId",
]);

/** Every raw id in a recording of `event-recorder`. */
export function recordedIds(file: string): readonly string[] {
  const ids = new Set<string>();
  const visit = (value: unknown): void => {
    for (const [key, inner] of Object.entries(value ?? {})) {
      if (idKeys.has(key) && typeof inner === "string") {
        ids.add(inner);
      } else if (typeof inner === "object") {
        visit(inner);
      }
    }
  };
  for (const line of readFileSync(file, "utf8").trim().split("\n")) {
    visit(JSON.parse(line));
  }
  return [...ids];
}

import { z } from "zod";

/**
 * A key that the Collector has and this program does not. To write it is a mistake, which is answered with `message`. It completes a
 * sentence that begins with the path, and says what to write instead.
 */
export function unsupported(message: string) {
  return z.never({ error: message }).optional().describe(message);
}

/**
 * A section of the Collector for something that this program does not do, and that is off there unless it says `enabled: true`. What is off is
 * accepted, so that a config that has the defaults written out can be used; what is on is a mistake, which is answered with `message`.
 */
export function onlyDisabled(message: string) {
  return z
    .record(z.string(), z.unknown())
    .check((context) => {
      for (const path of enabledIn(context.value)) {
        context.issues.push({ code: "custom", input: undefined, path: [...path], message });
      }
    })
    .optional()
    .describe("Of the Collector. Accepted if nothing in it has enabled: true, and does nothing.");
}

/** Where something is enabled: the section itself, or one of its parts. */
function enabledIn(section: Readonly<Record<string, unknown>>): readonly (readonly string[])[] {
  return Object.entries(section).flatMap(([key, value]) => {
    if (key === "enabled") {
      return value === false ? [] : [[key]];
    }
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? enabledIn({ ...value }).map((path) => [key, ...path])
      : [];
  });
}

import { z } from "zod";

const maxRules = 100;
const maxAttributes = 8;
const maxReferences = 32;
const maxTextLength = 200;
const maxAsterisks = 4;

const text = () => z.string().min(1).max(maxTextLength);

const glob = () =>
  text()
    .superRefine((pattern, context) => {
      if (pattern.includes("**")) {
        context.addIssue({
          code: "custom",
          message: 'has "**", which matches the same as "*"; write one asterisk.',
        });
      } else if (pattern.split("*").length - 1 > maxAsterisks) {
        context.addIssue({
          code: "custom",
          message: `has more than ${maxAsterisks} asterisks.`,
        });
      }
    })
    .meta({ title: "glob" });

const match = z
  .strictObject({
    name: glob().optional().describe("The name of the span."),
    scope: glob().optional().describe("The name of its instrumentation scope."),
    attributes: z
      .record(text(), z.union([glob(), z.boolean(), z.int()]))
      .refine((attributes) => Object.keys(attributes).length <= maxAttributes, {
        error: `must have at most ${maxAttributes} entries.`,
      })
      .optional()
      .describe(
        "Attributes that the span must have, all of them. A text is a glob; a whole number, `true` or `false` must be equal to the value.",
      ),
  })
  .refine(
    ({ name, scope, attributes }) =>
      name !== undefined || scope !== undefined || Object.keys(attributes ?? {}).length > 0,
    {
      error:
        "must have at least one of name, scope and attributes; without them the rule would match every span.",
    },
  );

const rule = z
  .strictObject({
    kind: z
      .enum(["run", "tool", "model_call", "none"])
      .describe("How to classify a matching span. `none` means that it is not work."),
    match: match.describe(
      "The conditions. All of them must match. A glob is compared with the whole text, case-sensitively; `*` matches any number of characters, including none.",
    ),
    detached: z
      .boolean()
      .prefault(false)
      .describe(
        "Only for tools: whether the tool may continue in the background after its run has ended. Then it is not an orphan when its run ends. It is evicted when it misses heartbeats that it promised, when its session or process ends, or after max_age.",
      ),
  })
  .refine(({ kind, detached }) => kind === "tool" || !detached, {
    path: ["detached"],
    error: "is only for `kind: tool`; other work cannot outlive its run.",
  });

/** The user's rules. They come before the built-in tables. */
export const workSpans = z
  .array(rule)
  .max(maxRules)
  .prefault([])
  .describe(
    "Rules for spans that the built-in tables do not classify, or classify wrongly. The first matching rule decides. Spans without a matching rule are classified by the built-in tables.",
  );

/** Attributes that name a session, in addition to the built-in ones. */
export const sessionReferenceKeys = z
  .array(text())
  .max(maxReferences)
  .prefault([])
  .describe(
    "Span attributes that name the session, in addition to the built-in ones. All such attributes of one span name the same session.",
  );

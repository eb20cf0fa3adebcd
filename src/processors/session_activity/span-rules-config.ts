import { z } from "zod";

const mostRules = 100;
const mostAttributes = 8;
const mostReferences = 32;
const longestText = 200;
const mostAsterisks = 4;

const text = () => z.string().min(1).max(longestText);

const glob = () =>
  text()
    .superRefine((pattern, context) => {
      if (pattern.includes("**")) {
        context.addIssue({
          code: "custom",
          message: 'has "**", which is no more than "*": write one asterisk.',
        });
      } else if (pattern.split("*").length - 1 > mostAsterisks) {
        context.addIssue({
          code: "custom",
          message: `has more than ${mostAsterisks} asterisks.`,
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
      .refine((attributes) => Object.keys(attributes).length <= mostAttributes, {
        error: `must have at most ${mostAttributes} entries.`,
      })
      .optional()
      .describe(
        "Attributes of the span that must all be there. Text is a glob for a text; a whole number, `true` and `false` are that value.",
      ),
  })
  .refine(
    ({ name, scope, attributes }) =>
      name !== undefined || scope !== undefined || Object.keys(attributes ?? {}).length > 0,
    { error: "must name at least one of name, scope, attributes: it would match every span." },
  );

const rule = z
  .strictObject({
    kind: z
      .enum(["run", "tool", "model_call", "none"])
      .describe("What a span that matches is; `none` is no work."),
    match: match.describe(
      "All that is named must match. A glob is for the whole text, case and all; `*` stands for any run of characters, none too.",
    ),
    detached: z
      .boolean()
      .prefault(false)
      .describe(
        "Only for tools: whether one may go on in the background when its run has ended. Such a tool is no orphan of its run. It is given up when its heartbeats stop, if it has any, else after max_age, and when its session or its process ends.",
      ),
  })
  .refine(({ kind, detached }) => kind === "tool" || !detached, {
    path: ["detached"],
    error: "is only for `kind: tool`: nothing else may outlive its run.",
  });

/** Rules for spans of one's own, before the built-in tables. */
export const workSpans = z
  .array(rule)
  .max(mostRules)
  .prefault([])
  .describe(
    "What spans are that the built-in tables do not know, or know wrongly. The first rule that matches decides; where none does, the built-in tables do.",
  );

/** Attributes that name a session, besides the built-in ones. */
export const sessionReferenceKeys = z
  .array(text())
  .max(mostReferences)
  .prefault([])
  .describe(
    "Attributes of spans that name the session, besides the built-in ones, which still count. All that a span carries name one session.",
  );

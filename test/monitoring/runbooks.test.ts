import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { textOf } from "../support/repository.ts";

const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(z.object({ annotations: z.object({ runbook: z.string().optional() }) })),
    }),
  ),
});

/** The headings of a page as the ends of links to them. */
function anchorsOf(page: string): readonly string[] {
  return [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
}

test("every runbook that an alert names is a section of a page", () => {
  const { groups } = rulesSchema.parse(
    parse(textOf("monitoring/rules/openclaw-activity-collector.rules.yml")),
  );
  const runbooks = groups.flatMap(({ rules }) =>
    rules.flatMap(({ annotations }) => annotations.runbook ?? []),
  );
  expect(runbooks.length).toBeGreaterThan(5);
  for (const runbook of runbooks) {
    const [page = "", anchor] = runbook.split("#");
    expect(anchorsOf(page), runbook).toContain(anchor);
  }
});

import { readDerived } from "./derived-events.ts";
import { scenariosOf } from "./scenarios.ts";
import { judge, percentile } from "./verdict.ts";
import { happen } from "./world.ts";

const only = process.argv[2];
for (const scenario of scenariosOf(process.argv[3] === "full" ? "full" : "quick")) {
  if (only !== undefined && only !== scenario.name) continue;
  const begin = performance.now();
  const { story, hearing, derived } = await happen(scenario.world, 1);
  const told = readDerived(derived);
  const v = judge(
    story,
    { hearing, told },
    { mode: scenario.world.mode, allowedLatenessMs: scenario.allowedLatenessMs },
  );
  const { cases, delaysMs, ...rest } = v;
  console.log(
    scenario.name,
    Math.round(performance.now() - begin),
    "ms",
    rest,
    percentile(delaysMs, 0.5),
    percentile(delaysMs, 0.99),
    delaysMs.length,
  );
  const shown = cases
    .filter((c) => !process.env["W"] || c.what === process.env["W"])
    .slice(0, 8)
    .map(({ what, work, reason, atMs }) => ({
      what,
      reason,
      atMs: Math.round(atMs),
      kind: work?.kind,
      span: work?.spanId,
      start: work?.startMs,
      end: work?.endMs,
      orphaned: work?.orphanedMs,
      closed: work?.closedMs,
      hs: work && hearing.startOf(work),
      he: work && hearing.endOf(work),
      p: work?.process.index,
      dies: work?.process.diesMs,
      death: work?.process.death,
    }));
  if (process.argv[5])
    for (const w of story.works.filter((x) => {
      for (let a: typeof x | undefined = x; a; a = a.parent)
        if (a.spanId === process.argv[5]) return true;
      return false;
    }))
      console.log(
        w.kind,
        w.spanId,
        w.parent?.spanId,
        w.startMs,
        w.endMs,
        w.orphanedMs,
        hearing.endOf(w),
      );
  if (process.argv[4])
    for (const e of told.evictions.slice(0, 40)) {
      const w = story.works.find((x) => x.spanId === e.spanId);
      console.log(
        JSON.stringify({
          ...e,
          kind: w?.kind,
          proc: w?.process.index,
          ses: w?.session.index,
          hungHere:
            w &&
            story.works
              .filter(
                (x) =>
                  x.session === w.session &&
                  x.process === w.process &&
                  Number.isFinite(x.orphanedMs),
              )
              .map((x) => [
                Math.round(x.startMs),
                Math.round(x.orphanedMs),
                x.closedMs,
                x.isClosedByRun,
              ]),
        }),
      );
    }
  if (shown.length) console.table(shown);
}

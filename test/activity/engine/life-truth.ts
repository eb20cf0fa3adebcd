import type { Life, LifeMarker, LifeRun } from "./any-life.ts";

type Work = Life[number];

/** When the last of all that hold a marker ended, by the clock of the world; a marker that hangs is an orphan from then on. */
export function heldUntilS(life: Life, marker: LifeMarker): number {
  const below = life.filter((work) => ancestorsOf(life, work).includes(marker));
  const runs = [...below.filter(isRun), ...holdersOf(life, marker)];
  const hanging = below.filter(
    (work): work is LifeMarker => work.kind !== "run" && work.endS === undefined,
  );
  return Math.max(
    ...runs.map(({ endS }) => endS),
    ...hanging.map((other) => heldUntilS(life, other)),
  );
}

/** The runs that keep a marker from being an orphan, but for what is below it. */
export function holdersOf(life: Life, marker: LifeMarker): readonly LifeRun[] {
  const own = ancestorsOf(life, marker).find(isRun);
  return own === undefined ? [] : [own, ...holdersBeside(life, own)];
}

/** Runs that hold what another run left behind. */
function holdersBeside(life: Life, own: LifeRun): LifeRun[] {
  const cluster = clusterOf(life, own);
  const top = clusterOf(life, [own, ...ancestorsOf(life, own)].findLast(isRun) ?? own);
  return life.filter(isRun).filter((other) => {
    const itsCluster = clusterOf(life, other);
    const isAbove = ancestorsOf(life, own).includes(other) && itsCluster === cluster;
    const overlaps = other.startS < own.endS && own.startS < other.endS;
    const isBeside = !isSubAgent(life, itsCluster) && itsCluster !== top;
    const isOfSession = sessionOf(life, other) === sessionOf(life, own);
    return isAbove || (isOfSession && overlaps && (itsCluster === cluster || isBeside));
  });
}

/** What is above, the parent first. */
export function ancestorsOf(life: Life, { trace, parent }: Work): readonly Work[] {
  const above = life.find((other) => other.trace === trace && other.span === parent);
  return above === undefined ? [] : [above, ...ancestorsOf(life, above)];
}

/** The topmost run above a run with no marker between. */
function clusterOf(life: Life, run: LifeRun): LifeRun {
  const [above] = ancestorsOf(life, run);
  return above !== undefined && isRun(above) ? clusterOf(life, above) : run;
}

function isSubAgent(life: Life, cluster: LifeRun): boolean {
  return ancestorsOf(life, cluster).length > 0;
}

/** The session of a run. */
export function sessionOf(life: Life, run: LifeRun): string {
  const named = [run, ...ancestorsOf(life, run)].find(({ session }) => session !== undefined);
  const { trace, span } = clusterOf(life, run);
  return named === undefined ? `tree ${trace}/${span}` : `session ${named.session}`;
}

function isRun(work: Work): work is LifeRun {
  return work.kind === "run";
}

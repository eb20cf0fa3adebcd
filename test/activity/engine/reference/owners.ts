import { ancestorsOf, isMarker, ownRunOf, parentOf, runElsewhere } from "./ancestry.ts";
import { firstOf, lastOf, type Moment } from "./moments.ts";
import { areSame } from "./same-work.ts";
import type { Span, World } from "./world.ts";

/** A run, or a harness run together with the runs in it. */
export interface Owner {
  /** The topmost one first. */
  readonly runs: readonly Span[];
  readonly isOpen: boolean;
  readonly start: Moment;
  /** The last end; absent while it is open. */
  readonly end: Moment | undefined;
  /** Arrival of the last end. */
  readonly endedAtMs: number;
  /** The topmost run that is connected with it by parents, no tool or model call between. */
  readonly cluster: Span;
  /** Its cluster is below a tool or a model call. */
  readonly isSubAgent: boolean;
  /** The cluster at the top of its ancestors. */
  readonly topCluster: Span;
  /** `ref …` of a session that references name, else `tree …`. */
  readonly session: string;
}

/** Who owns what now. */
export function ownersOf(world: World): Owners {
  if (world.owners?.changes !== world.changes) {
    world.owners = { changes: world.changes, all: new Owners(world) };
  }
  return world.owners.all;
}

/** Who owns what and in which session it is, made anew from all that is known. */
export class Owners {
  readonly all: readonly Owner[];
  readonly #ofRun = new Map<Span, Owner>();
  /** The runs that are one owner with a run. */
  readonly #partsOf = new Map<Span, readonly Span[]>();
  /** References that markers gave an owner that had none, by its first run. */
  readonly #adopted = new Map<Span, string[]>();
  #classes: ReadonlyMap<string, string> = new Map();
  #known: ReadonlySet<string> = new Set();

  constructor(world: World) {
    const spans = [...world.spans.values()];
    const runs = spans.filter(({ kind, state }) => kind === "run" && state !== "unknown");
    const paired = runs.filter(({ pairedWith }) => pairedWith !== undefined);
    const members = new Map<Span, Span[]>();
    for (const run of runs) {
      const head = headOf(run, paired);
      const its = members.get(head) ?? [head];
      members.set(head, its.includes(run) ? its : [...its, run]);
    }
    const owned = [...members.values()];
    for (const its of owned) {
      for (const run of its) {
        this.#partsOf.set(run, its);
      }
    }
    this.#classes = this.#classesOf(spans, owned);
    this.#known = new Set(
      spans.flatMap(({ references }) =>
        [...references].flatMap((each) => this.sessionNamed([each]) ?? []),
      ),
    );
    this.all = owned.map((its) => this.#toOwner(its, world.latenessMs));
    for (const owner of this.all) {
      for (const run of owner.runs) {
        this.#ofRun.set(run, owner);
      }
    }
  }

  ofRun(run: Span): Owner | undefined {
    return this.#ofRun.get(run);
  }

  /** The owner of a marker, or of a run the one above it. */
  above(span: Span): Owner | undefined {
    const run = ownRunOf(span);
    return run === undefined ? undefined : this.#ofRun.get(run);
  }

  /** The session that some references name: the first that is known. */
  sessionNamed(references: Iterable<string>): string | undefined {
    const all = [...references];
    const known = all.find((each) => this.#known.has(`ref ${this.#classes.get(each) ?? each}`));
    const reference = known ?? all[0];
    return reference === undefined ? undefined : `ref ${this.#classes.get(reference) ?? reference}`;
  }

  /** Whether any work of a session is remembered. */
  isKnown(session: string | undefined): boolean {
    return this.#known.has(session ?? "");
  }

  /** The session of a run or a marker; of a marker without both an own run and references, its trace. */
  sessionOf(span: Span): string {
    const owner = span.kind === "run" ? this.#ofRun.get(span) : this.above(span);
    return owner?.session ?? this.sessionNamed(span.references) ?? `trace ${span.trace.key}`;
  }

  /** The owners directly above `owner`, in its process and in others of its trace. */
  chainAbove(world: World, owner: Owner, chain = new Set<Owner>()): readonly Owner[] {
    for (const run of owner.runs) {
      const line = ancestorsOf(run);
      const marker = line.findIndex(isMarker);
      const elsewhere = marker === -1 ? runElsewhere(world, run) : undefined;
      for (const above of [...line.slice(0, marker === -1 ? undefined : marker), elsewhere]) {
        const other = above && this.#ofRun.get(above);
        if (other !== undefined && other !== owner && !chain.has(other)) {
          this.chainAbove(world, other, chain.add(other));
        }
      }
    }
    return [...chain];
  }

  /**
   * Which references name one session. What a marker names counts for its owner when that has no session, or the same one;
   * of a marker without a known run it is its session.
   */
  #classesOf(spans: readonly Span[], owned: readonly Span[][]): ReadonlyMap<string, string> {
    const meetings = owned.map(referencesOf);
    this.#classes = classesOf(meetings);
    const naming = spans
      .filter((span) => isMarker(span) && span.state !== "unknown" && span.references.size > 0)
      .toSorted((a, b) => a.start.atMs - b.start.atMs);
    for (const marker of naming) {
      const run = ownRunOf(marker);
      const head = run && this.#partsOf.get(run)?.[0];
      const references = [...marker.references];
      const session = head && this.#referenced(head);
      const isOfIt = references.some((each) => this.sessionNamed([each]) === session);
      if (head !== undefined && session === undefined) {
        this.#adopted.set(head, references);
      }
      if (head === undefined || session === undefined || isOfIt) {
        meetings.push(references);
        this.#classes = classesOf(meetings);
      }
    }
    return this.#classes;
  }

  #toOwner(runs: readonly Span[], latenessMs: number): Owner {
    const head = runs[0] as Span;
    const isOpen = runs.some(({ state }) => state === "open");
    const ends = runs.flatMap(({ end }) => (end === undefined ? [] : [end]));
    const cluster = clusterOf(head);
    const top = [head, ...ancestorsOf(head)].findLast(({ kind }) => kind === "run") ?? head;
    return {
      runs,
      isOpen,
      start: firstOf(
        runs.map(({ start }) => start),
        latenessMs,
      ),
      end: isOpen ? undefined : lastOf(ends, latenessMs),
      endedAtMs: Math.max(...ends.map(({ atMs }) => atMs)),
      cluster,
      isSubAgent: ancestorsOf(cluster).some(isMarker),
      topCluster: clusterOf(top),
      session: this.#referenced(head) ?? `tree ${cluster.key}`,
    };
  }

  /** The session that the nearest run names, from this one on up. */
  #referenced(head: Span): string | undefined {
    const runs = this.#partsOf.get(head) ?? [head];
    const above = ownRunOf(runs[0] ?? head);
    return (
      this.sessionNamed(referencesOf(runs)) ??
      this.sessionNamed(this.#adopted.get(runs[0] ?? head) ?? []) ??
      (above === undefined ? undefined : this.#referenced(above))
    );
  }
}

function referencesOf(runs: readonly Span[]): string[] {
  return runs.flatMap(({ references }) => [...references]);
}

/** Whether the end of the run of an owner is unknown, because it is no longer watched. */
export function isUnwatched(owner: Owner | undefined): boolean {
  return owner?.isOpen === false && owner.runs.some(({ state }) => state === "untracked");
}

/** The run that stands for the owner: the harness run above, or the run that a harness run elsewhere belongs to. */
function headOf(run: Span, paired: readonly Span[]): Span {
  const parent = parentOf(run);
  const isInner = run.isInner && !run.isHarness && parent?.isHarness === true;
  if (parent?.kind === "run" && (isInner || areSame(run, parent))) {
    return headOf(parent, paired);
  }
  return paired.find(({ pairedWith }) => pairedWith === run) ?? run;
}

/** The topmost run, no tool or model call between. */
function clusterOf(run: Span): Span {
  let top = run;
  for (const above of ancestorsOf(run)) {
    if (isMarker(above)) {
      break;
    }
    top = above.kind === "run" ? above : top;
  }
  return top;
}

/** References that meet are one session: each with the first of its session. */
function classesOf(meetings: readonly (readonly string[])[]): ReadonlyMap<string, string> {
  const classes = new Map<string, string>();
  for (const references of meetings.filter(({ length }) => length > 0)) {
    for (const reference of references) {
      classes.set(reference, classes.get(reference) ?? reference);
    }
    const early = new Set(references.map((reference) => classes.get(reference)));
    const [first] = [...early].sort();
    for (const [reference, named] of classes) {
      if (first !== undefined && early.has(named)) {
        classes.set(reference, first);
      }
    }
  }
  return classes;
}

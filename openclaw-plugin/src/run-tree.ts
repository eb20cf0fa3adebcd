import { keyOf, type WorkEvent } from "./gateway-event.ts";
import { isOwner, ownerOf, type Work, type WorkTree } from "./gateway-work.ts";

/** Every use of one key (e.g. a tool-call id) in a tree. */
interface Uses {
  count: number;
  /** The open ones, oldest first. */
  readonly open: Work[];
}

/** How many keys a tree remembers. It keeps those of ended work to recognize a second end. */
const maxKeys = 1_024;

/**
 * All work of one run id. A run id can be used again (a retry), so a tree has generations: each is a trace of its own, with a
 * harness run, the runs below it, and their tools and model calls. At more than 1 024 keys the oldest key without open work
 * is forgotten.
 */
export class RunTree implements WorkTree {
  readonly id: string;
  /** Increases with every new root. */
  generation = 0;
  /** The newest of this generation, open or ended. */
  harness: Work | undefined;
  run: Work | undefined;
  spawner: Work | undefined;
  readonly #uses = new Map<string, Uses>();

  constructor(id: string) {
    this.id = id;
  }

  /** Begins a new generation. */
  begin(): void {
    this.generation += 1;
    this.harness = undefined;
    this.run = undefined;
  }

  /** The open work this event refers to, if any. Of several, the one with OpenClaw's own span id, else the newest. */
  find(event: WorkEvent): Work | undefined {
    const open = this.#uses.get(event.key)?.open;
    return open?.findLast(({ traceSpanId }) => traceSpanId === event.traceSpanId) ?? open?.at(-1);
  }

  /** The newest open tool with this call id. */
  openTool(callId: string): Work | undefined {
    return this.#uses.get(keyOf("tool", callId))?.open.at(-1);
  }

  /** Whether the tree knows a tool with this call id, open or ended. */
  hasTool(callId: string): boolean {
    return this.#uses.has(keyOf("tool", callId));
  }

  /** The newest open run or, if this generation has had no run yet, the newest open harness run. */
  openOwner(): Work | undefined {
    const harness = this.run === undefined ? this.#uses.get("harness")?.open.at(-1) : undefined;
    return this.#uses.get("run")?.open.at(-1) ?? harness;
  }

  /** Whether the tree knows the work this event refers to, open or ended. A further end then adds nothing. */
  hasSeen(event: WorkEvent): boolean {
    switch (event.kind) {
      case "harness":
        return this.harness !== undefined;
      case "run":
        return this.run !== undefined;
      default:
        return this.#uses.has(event.key);
    }
  }

  /** Whether this start repeats an earlier one: the same call of the same run, still open. */
  isRepeat(event: WorkEvent): boolean {
    if (isOwner(event) || event.callId === undefined) {
      return false;
    }
    const open = this.find(event);
    // A model may use a call id again while the first use hangs; OpenClaw's own span ids then differ.
    return (
      open !== undefined &&
      open.traceSpanId === event.traceSpanId &&
      ownerOf(open) === this.ownerOf(event)
    );
  }

  /** An open or ended run whose events arrived before those of the harness run above it. */
  runToAdopt(): Work | undefined {
    return this.harness === undefined && this.run?.parent?.kind !== "harness"
      ? this.run
      : undefined;
  }

  /** The owner of a tool or model call: an open run or harness run, else the newest that ended. */
  ownerOf(event: WorkEvent): Work | undefined {
    const runs = this.#uses.get("run")?.open;
    return (
      runs?.findLast(({ traceSpanId }) => traceSpanId === event.traceParentId) ??
      runs?.at(-1) ??
      this.#uses.get("harness")?.open.at(-1) ??
      this.run ??
      this.harness
    );
  }

  /** The open tool that made the call `callId`, if the id contains it: `tool_search_code:<outer>:<name>:<n>`. */
  outerTool(callId: string): Work | undefined {
    if (!callId.includes(":")) {
      return undefined;
    }
    let outer: Work | undefined;
    for (const { open } of this.#uses.values()) {
      for (const work of open) {
        // OpenClaw replaces these characters when it writes an id into another one.
        const part = work.callId?.replaceAll(/[^A-Za-z0-9_.:-]+/g, "_");
        const isInside = part !== undefined && callId.includes(`:${part}:`);
        if (isInside && part.length > (outer?.callId?.length ?? 0)) {
          outer = work;
        }
      }
    }
    return outer;
  }

  /** A text that is unique to one piece of work in this process, and the same for the same use of the same ids. */
  identify(event: WorkEvent): string {
    return `${this.id}\0${event.key}\0${this.#uses.get(event.key)?.count ?? 0}`;
  }

  /** Adds new open work. */
  add(work: Work): void {
    if (work.kind === "harness" || work.kind === "run") {
      this[work.kind] = work;
    }
    if (work.name === "sessions_spawn") {
      this.spawner = work;
    }
    const uses = this.#uses.get(work.key) ?? { count: 0, open: [] };
    uses.count += 1;
    uses.open.push(work);
    this.#uses.set(work.key, uses);
    this.#forgetAnEndedKey();
  }

  close(work: Work): void {
    const open = this.#uses.get(work.key)?.open;
    const at = open?.indexOf(work) ?? -1;
    if (at >= 0) {
      open?.splice(at, 1);
    }
  }

  #forgetAnEndedKey(): void {
    if (this.#uses.size <= maxKeys) {
      return;
    }
    for (const [key, { open }] of this.#uses) {
      if (open.length === 0 && key !== "harness" && key !== "run") {
        this.#uses.delete(key);
        return;
      }
    }
  }
}

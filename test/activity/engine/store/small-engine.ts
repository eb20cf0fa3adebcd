import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
  type SnapshotStream,
} from "../../../../src/activity/engine/store/snapshot.ts";
import type { ActivityLimits } from "../../../../src/activity/model/limits.ts";
import { type WorkKind, workKinds } from "../../../../src/activity/model/work.ts";
import { limits } from "../history.ts";

/** An engine of which a test reaches the parts, with spans of one trace of process 1. */
export class SmallEngine {
  readonly parts: EngineParts;
  readonly #trace: number;

  constructor(changed: Partial<ActivityLimits> = {}) {
    this.parts = new EngineParts({ ...limits, ...changed });
    this.#trace = this.parts.store.traces.findOrAdd(1, 0, 0, 0, 1);
    this.parts.store.traces.retain(this.#trace);
  }

  /** Names span `id`, which does not arrive. */
  name(id: number, nowMs = 0): number {
    return this.parts.retention.addUnknown(this.#trace, 0, id, nowMs);
  }

  /** Lets span `id` arrive, below `parent` if there is one. It is pinned and has no owner. */
  arrive(id: number, kind: WorkKind, parent = -1, nowMs = 0): number {
    const { store, retention } = this.parts;
    const found = store.spans.find(this.#trace, 0, id);
    const span = found === -1 ? this.name(id, nowMs) : found;
    retention.onArrival(span);
    store.spans.kind.set(span, kind);
    if (parent !== -1) {
      store.tree.link(span, parent);
    }
    return span;
  }

  /** A run with an owner of its own, not open yet. */
  run(id: number, parent = -1): number {
    const run = this.arrive(id, workKinds.run, parent);
    const owner = this.parts.store.addOwner(run, { isUnresolved: false, group: -1 });
    this.parts.store.join(run, owner);
    return run;
  }

  /** A tool directly below a run and in its owner, not open yet. */
  tool(id: number, run: number): number {
    const tool = this.arrive(id, workKinds.tool, run);
    this.parts.store.join(tool, this.ownerOf(run));
    return tool;
  }

  openRun(id: number, nowMs = 0, parent = -1): number {
    const run = this.run(id, parent);
    this.parts.openWork.open(run, nowMs);
    return run;
  }

  openTool(id: number, run: number, nowMs = 0): number {
    const tool = this.tool(id, run);
    this.parts.openWork.open(tool, nowMs);
    return tool;
  }

  ownerOf(span: number): number {
    return this.parts.store.spans.owner.get(span);
  }
}

/** Saves `from` and loads that into `to`, which is returned. */
export function transfer<T extends { snapshot(stream: SnapshotStream): void }>(from: T, to: T): T {
  const writer = new EngineSnapshotWriter();
  from.snapshot(writer);
  to.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)));
  return to;
}

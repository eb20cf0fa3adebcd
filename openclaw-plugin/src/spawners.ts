import { OldestFirstMap } from "../../src/collections/oldest-first-map.ts";
import type { WorkEvent } from "./gateway-event.ts";
import type { Work } from "./gateway-work.ts";

/** The tool that started each sub-agent or, if no tool is known, the run. Each map forgets its oldest entry at its bound. */
export class Spawners {
  /** By the run id of the sub-agent. */
  readonly #ofRun = new OldestFirstMap<string, Work>(1_024);
  /** By the session of the sub-agent, until its first run: some runtimes make run ids of their own. */
  readonly #ofSession = new OldestFirstMap<string, Work>(1_024);
  /** Runs and harness runs by OpenClaw's own span id. */
  readonly #ownerOfTraceSpan = new OldestFirstMap<string, Work>(2_048);

  /** A hook reports that `spawner` started the run `runId`, or the next run of `session`. */
  add(
    spawner: Work,
    { runId, session }: { runId: string | undefined; session: string | undefined },
  ) {
    if (runId !== undefined) {
      this.#ofRun.set(runId, spawner);
    }
    if (session !== undefined) {
      this.#ofSession.set(session, spawner);
    }
  }

  /** A run or harness run started: others may start in its trace. */
  addOwner(owner: Work): void {
    if (owner.traceSpanId !== undefined) {
      this.#ownerOfTraceSpan.set(owner.traceSpanId, owner);
    }
  }

  /** Returns the work that started the run of `event`, and forgets that a run of `session` is expected. */
  take(event: WorkEvent, session: string): Work | undefined {
    const runId = event.runId ?? "";
    // A sub-agent's result is announced by a run of the requester, whose id ends in that of the sub-agent's run.
    const announced = runId.startsWith("announce:") ? runId.slice(runId.lastIndexOf(":") + 1) : "";
    const known =
      this.#ofRun.get(runId) ??
      this.#ofRun.get(announced) ??
      this.#ofSession.get(session) ??
      this.#byTrace(event, session);
    this.#ofSession.delete(session);
    if (known !== undefined && runId !== "") {
      this.#ofRun.set(runId, known);
    }
    return known;
  }

  /** For a sub-agent that no hook reported: the run of another session in whose trace the event continues. */
  #byTrace(event: WorkEvent, session: string): Work | undefined {
    const owner = this.#ownerOfTraceSpan.get(event.traceParentId ?? "");
    return owner === undefined || owner.session === session
      ? undefined
      : (owner.tree.spawner ?? owner);
  }
}

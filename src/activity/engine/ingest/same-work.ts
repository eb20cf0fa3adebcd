import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { spanStates } from "../store/span-lifecycle.ts";

/** Whether a run is the same work as the run directly above it. */
export function isSameAsParent(store: ActivityStore, run: number, parent: number): boolean {
  const { spans } = store;
  const scope = spans.scopeHash.get(run);
  return isSameWork(store, parent, spans.kind.get(run), scope, spans.nameHash.get(run));
}

/**
 * Whether a span reports the same work as another one directly above or below it. Two instrumentations of one program, or two
 * layers of it, create a span each: a model call in a model call; or, from another instrumentation scope, a tool in a tool of the
 * same name, or a run in a run of the same agent. A tool that calls another, or itself, and a sub-agent are work of their own.
 *
 * `kind`, `scope` and `alias` are of the other span: hashes of the names of its instrumentation scope, and of its tool or agent;
 * 0 for none.
 */
export function isSameWork(
  { spans }: ActivityStore,
  span: number,
  kind: number,
  scope: number,
  alias: number,
): boolean {
  if (spans.state.get(span) === spanStates.unknown || spans.kind.get(span) !== kind) {
    return false;
  }
  const otherScope = spans.scopeHash.get(span);
  const areScopesTwo = scope !== 0 && otherScope !== 0 && scope !== otherScope;
  const isNamedAlike = alias !== 0 && alias === spans.nameHash.get(span);
  return kind === workKinds.modelCall || (areScopesTwo && isNamedAlike);
}

/**
 * The circles of a directed graph as paths that end where they begin. None exactly when there is none; of circles that
 * share edges, not each is listed.
 */
export function circlesOf(graph: ReadonlyMap<string, readonly string[]>): readonly string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): void => {
    const from = path.indexOf(node);
    if (from !== -1) {
      circles.push([...path.slice(from), node]);
      return;
    }
    if (done.has(node)) {
      return;
    }
    path.push(node);
    for (const next of graph.get(node) ?? []) {
      visit(next);
    }
    path.pop();
    done.add(node);
  };
  for (const node of graph.keys()) {
    visit(node);
  }
  return circles;
}

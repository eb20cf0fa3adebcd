import type { ActivityStore } from "../../../src/activity/engine/store/activity-store.ts";

interface Column {
  get(row: number): number;
}

function isColumn(value: unknown): value is Column {
  return typeof value === "object" && value !== null && "get" in value && "capacity" in value;
}

/** Counts the cells of the tables that an engine reads from now on: what its work costs, in steps that are the same on every machine. */
export function countReads({ spans, owners, groups, traces, references }: ActivityStore): {
  readonly count: number;
} {
  const reads = { count: 0 };
  for (const table of [spans, owners, groups, traces, references]) {
    for (const column of Object.values(table).filter(isColumn)) {
      const get = column.get.bind(column);
      column.get = (row) => {
        reads.count++;
        return get(row);
      };
    }
  }
  return reads;
}

import { readFileSync } from "node:fs";

/** Connections that one port may have. More would only be senders that do not share theirs. */
const mostUsefulConnections = 1_000;
/** Files, logs, storage and the connections to backends. */
const otherFiles = 256;
/** A config has two ports of a receiver, and pages; seldom more than so many. */
const ports = 8;

let known: number | undefined;

/**
 * The most connections of one port: so many that all ports together, and everything else, stay below the limit of open files of the process. One port that
 * is flooded takes no connection from another.
 */
export function maxConnectionsOfPort(): number {
  known ??= connectionsWithin(openFilesLimit());
  return known;
}

export function connectionsWithin(openFiles: number): number {
  return Math.max(
    16,
    Math.min(mostUsefulConnections, Math.floor((openFiles - otherFiles) / ports)),
  );
}

/** The limit that is in force; the runtime has raised it as far as it may. Unknown outside Linux. */
function openFilesLimit(): number {
  try {
    const [, limit] =
      /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

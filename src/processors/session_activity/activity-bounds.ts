import type { ProcessMemory } from "../../component/memory.ts";
import type { Settings } from "../../component/settings.ts";
import {
  type ActivityBounds,
  activityBoundsFit,
  activityBoundsFor,
  mostUsefulBounds,
} from "../../memory/memory-budget.ts";
import type { Config } from "./config.ts";

type ConfiguredBounds = Pick<Config, "max_sessions" | "max_open_work" | "max_tombstones">;

/** The configured bounds; those that are left out follow from the memory limit. */
export function activityBoundsOf(
  config: ConfiguredBounds,
  { limit }: Pick<ProcessMemory, "limit">,
): ActivityBounds {
  const fitting = activityBoundsFor(limit.bytes);
  const maxOpenWork = config.max_open_work ?? fitting.maxOpenWork;
  return {
    maxOpenWork,
    maxSessions: config.max_sessions ?? Math.min(maxOpenWork, mostUsefulBounds.maxSessions),
    maxTombstones: config.max_tombstones ?? fitting.maxTombstones,
  };
}

/** Warns of configured bounds that do not fit into the memory limit, and logs those that are lower because of it. */
export function reportActivityBounds(
  bounds: ActivityBounds,
  config: ConfiguredBounds,
  { logger, memory }: Pick<Settings, "logger" | "memory">,
): void {
  const { bytes, source } = memory.limit;
  const fields = {
    max_sessions: bounds.maxSessions,
    max_open_work: bounds.maxOpenWork,
    max_tombstones: bounds.maxTombstones,
    memory_limit_mib: Math.floor(bytes / (1024 * 1024)),
    memory_limit_source: source,
  };
  const fitting = activityBoundsFor(bytes);
  const isConfigured = config.max_open_work !== undefined || config.max_tombstones !== undefined;
  if (isConfigured && !activityBoundsFit(bounds, bytes)) {
    logger.warn(
      "max_open_work and max_tombstones do not fit into the memory limit of the process. When they are reached, it may be killed. Lower them, or leave them out, or raise the memory limit.",
      {
        ...fields,
        fitting_max_open_work: fitting.maxOpenWork,
        fitting_max_tombstones: fitting.maxTombstones,
      },
    );
  } else if (!isConfigured && fitting.maxOpenWork < mostUsefulBounds.maxOpenWork) {
    logger.info("The bounds of the tracked state follow from the memory limit.", fields);
  }
}

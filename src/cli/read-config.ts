import { components } from "../components.ts";
import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { type CheckedConfig, checkServiceConfig, type ServiceConfig } from "../service/config.ts";
import type { Host } from "./host.ts";

/** Nobody reads more before something is corrected. */
export const shownProblems = 100;

/** Reads and checks the config named on the command line. */
export function checkedConfig(host: Host, sources: readonly string[]): CheckedConfig {
  return checkServiceConfig(loadConfig(sources, host.env), components);
}

/**
 * Reads and checks the config named on the command line. If it is wrong, every problem is printed on
 * stderr, one per line, the first 100 of many, and the result is `undefined`.
 */
export function readConfig(host: Host, sources: readonly string[]): ServiceConfig | undefined {
  const checked = checkedConfig(host, sources);
  if (checked.ok) {
    return checked.config;
  }
  const { problems } = checked;
  for (const problem of problems.slice(0, shownProblems)) {
    host.stderr(`${formatProblem(problem)}\n`);
  }
  if (problems.length > shownProblems) {
    host.stderr(`… and ${problems.length - shownProblems} more.\n`);
  }
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  host.stderr(`The configuration has ${count}. Every option is explained in docs/config.md.\n`);
  return undefined;
}

import { components } from "../components.ts";
import { formatProblem } from "../config/problem.ts";
import { createLogger } from "../service/logger.ts";
import { createService } from "../service/service.ts";
import { exitCodes } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import { readConfig } from "./read-config.ts";
import { programVersion } from "./version.ts";

/**
 * Checks the config and builds its pipelines without starting them. Prints nothing on stdout if the
 * config is valid, as the Collector does; probable mistakes are printed on stderr. Returns the exit code.
 */
export function validate(host: Host, sources: readonly string[]): number {
  const config = readConfig(host, sources);
  if (config === undefined) {
    return exitCodes.failure;
  }
  for (const notice of config.notices) {
    host.stderr(`${formatProblem(notice)}\n`);
  }
  const logger = createLogger({
    level: "error",
    encoding: "console",
    clock: host.clock,
    write: host.stderr,
  });
  try {
    createService({
      ...host,
      plan: config,
      factories: components,
      version: programVersion(),
      logger,
    });
    return exitCodes.success;
  } catch (error) {
    host.stderr(`${error instanceof Error ? error.message : String(error)}\n`);
    return exitCodes.failure;
  }
}

import { formatProblem } from "../config/problem.ts";
import type { ServiceConfig } from "../service/config.ts";
import { createLogger, type RootLogger } from "../service/logger.ts";
import type { Host } from "./host.ts";

/** The logger that the config describes. */
export function loggerOf(host: Host, config: ServiceConfig): RootLogger {
  const { level, encoding, sampling, initial_fields } = config.service.telemetry.logs;
  return createLogger({
    level,
    encoding,
    ...(sampling.enabled ? { sampling: { ...sampling, tickMs: sampling.tick } } : {}),
    initialFields: initial_fields,
    clock: host.clock,
    write: host.stderr,
  });
}

/** Warns of the probable mistakes in a valid config. */
export function logNotices(config: ServiceConfig, logger: RootLogger): void {
  for (const notice of config.notices) {
    logger.warn("The configuration is valid, but contains a probable mistake.", {
      notice: formatProblem(notice),
    });
  }
}

import { exceptionFields } from "../component/exception-fields.ts";
import { formatProblem } from "../config/problem.ts";
import type { ExchangeableLogger } from "../service/exchangeable-logger.ts";
import type { Service } from "../service/service.ts";
import type { Host } from "./host.ts";
import { checkedConfig, shownProblems } from "./read-config.ts";
import { loggerOf, logNotices } from "./run-logger.ts";

/** What a reload works with. */
export interface Reloading {
  readonly sources: readonly string[];
  readonly service: Service;
  readonly logger: ExchangeableLogger;
}

/**
 * Reads the config again and lets the service exchange what has changed. Every outcome is logged and counted; a config that is wrong or
 * does not start changes nothing. Never rejects.
 */
export async function reloadConfig(
  host: Host,
  { sources, service, logger }: Reloading,
): Promise<void> {
  logger.info("Reloading the configuration.");
  try {
    const checked = checkedConfig(host, sources);
    if (!checked.ok) {
      // One line with all of them, because the sampling of the log must not hide some.
      logger.error(
        "The configuration is wrong, so it was not reloaded. The one before stays in effect.",
        {
          problems: checked.problems.slice(0, shownProblems).map(formatProblem),
          problem_count: checked.problems.length,
        },
      );
      service.reloadFailed();
      return;
    }
    const { config } = checked;
    logNotices(config, logger);
    const result = await service.reload(config);
    if (result.status === "succeeded" || result.status === "unchanged") {
      logger.exchange(loggerOf(host, config));
    }
    switch (result.status) {
      case "succeeded": {
        const { status, settings, ...names } = result;
        logger.info("The configuration was reloaded.", { ...names, service_settings: settings });
        return;
      }
      case "unchanged":
        logger.info("The configuration was reloaded. It has not changed.");
        return;
      case "failed":
        logger.error(
          "The configuration could not be put into effect. The one before stays in effect.",
          { reason: result.reason },
        );
        return;
      case "stopped":
        return;
      default: {
        const never: never = result;
        return never;
      }
    }
  } catch (error) {
    logger.error("A reload failed because of a bug. Please report it.", exceptionFields(error));
    service.reloadFailed();
  }
}

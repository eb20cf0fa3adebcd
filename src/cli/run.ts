import { exceptionFields } from "../component/exception-fields.ts";
import type { AnyFactory } from "../component/factory.ts";
import { components } from "../components.ts";
import type { ServiceConfig } from "../service/config.ts";
import {
  createExchangeableLogger,
  type ExchangeableLogger,
} from "../service/exchangeable-logger.ts";
import { StartAborted } from "../service/lifecycle.ts";
import type { RootLogger } from "../service/logger.ts";
import { createService } from "../service/service.ts";
import { exitCodeOfSignal, exitCodes } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import { readConfig } from "./read-config.ts";
import { reloadConfig } from "./reload-config.ts";
import { ReloadRequests } from "./reload-requests.ts";
import { loggerOf, logNotices } from "./run-logger.ts";
import { createStopRequests } from "./stop-requests.ts";
import { programVersion } from "./version.ts";

/** What a command that runs the collector for a while does beside it. */
export interface RunOptions {
  /** The types of components; by default all, as they are. */
  readonly factories?: readonly AnyFactory[];
  /** Called when the collector has started. `stop` stops it as a stop signal does. */
  readonly onReady?: (stop: () => void, logger: RootLogger) => void;
  /** Whether the exit code is that of a success also when the shutdown lost data, which is logged. */
  readonly isLossAccepted?: boolean;
}

/**
 * Runs the collector until a stop signal arrives; SIGHUP reloads its config. Resolves to the exit code.
 */
export async function run(
  host: Host,
  sources: readonly string[],
  options: RunOptions = {},
): Promise<number> {
  // Before the config is read: from now on SIGHUP ends the program no more.
  const reloads = new ReloadRequests();
  const forgetReloads = host.onReloadSignal(() => reloads.request());
  try {
    const config = readConfig(host, sources);
    if (config === undefined) {
      return exitCodes.failure;
    }
    const logger = createExchangeableLogger(loggerOf(host, config));
    logNotices(config, logger);
    const letGo = host.keepAlive();
    try {
      return await runService(host, { sources, config, logger, reloads, options });
    } finally {
      letGo();
    }
  } finally {
    forgetReloads();
  }
}

interface Running {
  readonly sources: readonly string[];
  readonly config: ServiceConfig;
  readonly logger: ExchangeableLogger;
  readonly reloads: ReloadRequests;
  readonly options: RunOptions;
}

async function runService(
  host: Host,
  { sources, config, logger, reloads, options }: Running,
): Promise<number> {
  const version = programVersion();
  logger.info("Starting activity-collector.", {
    version,
    node: process.version,
    pid: host.pid,
  });
  // Before anything is open, so that a signal during the start also counts.
  const ending = untilEnded(host, logger);
  try {
    const service = createService({
      ...host,
      plan: config,
      factories: options.factories ?? components,
      version,
      logger,
    });
    const requested = ending.requested.then(({ why }) => why);
    // A start that hangs must not keep a stop from beginning.
    const early = requested.then(() => service.shutdown());
    const isStarted = await service.start().then(
      () => true,
      (error: unknown) => {
        if (error instanceof StartAborted) {
          return false;
        }
        throw error;
      },
    );
    if (isStarted) {
      logger.info("Everything is ready. Begin running and processing data.");
      options.onReady?.(ending.request, logger);
      reloads.serve(() => reloadConfig(host, { sources, service, logger }));
    }
    const why = await requested;
    reloads.end();
    const { isLossAccepted = false } = options;
    return exitCodeAfter({ isClean: await early, why, isLossAccepted }, logger);
  } catch (error) {
    host.stderr(`${error instanceof Error ? error.message : String(error)}\n`);
    return exitCodes.failure;
  } finally {
    ending.stopListening();
  }
}

interface Ending {
  readonly isClean: boolean;
  readonly why: "signal" | "fault";
  readonly isLossAccepted: boolean;
}

function exitCodeAfter({ isClean, why, isLossAccepted }: Ending, logger: RootLogger): number {
  if (isClean) {
    logger.info("Shutdown complete.");
  } else {
    logger.error("Shutdown complete, with failures; the lines above say which.");
  }
  return why === "signal" && (isClean || isLossAccepted) ? exitCodes.success : exitCodes.fault;
}

/** Listens for stop requests and uncaught exceptions. The first stop request drains, a second one ends the program at once. */
function untilEnded(host: Host, logger: RootLogger) {
  const stopRequests = createStopRequests(host.clock);
  let hasFault = false;
  let request = (_: { readonly why: "signal" | "fault" }) => {};
  const requested = new Promise<{ readonly why: "signal" | "fault" }>((resolve) => {
    request = resolve;
  });
  const forgetSignals = host.onStopSignal((signal) => {
    switch (stopRequests(signal)) {
      case "drain":
        logger.info(
          "Received a stop signal, delivering buffered data. Send the signal again to stop at once.",
          {
            signal,
          },
        );
        request({ why: "signal" });
        return;
      case "exit":
        host.stderr(
          `Stopped at once by a second ${signal}. What was neither sent nor stored is lost.\n`,
        );
        host.exitNow(exitCodeOfSignal(signal));
        return;
      case "ignore":
        return;
    }
  });
  const forgetNpm = host.onNpmGone(() => {
    logger.warn(
      "npm, which started the collector, has ended, so the collector stops. To reload, send SIGHUP to the process id in the first line of the log.",
    );
    request({ why: "signal" });
  });
  const forgetUncaught = host.onUncaught((error) => {
    logger.error(
      "Stopping because of an unexpected exception. This is a bug; please report it.",
      exceptionFields(error),
    );
    if (hasFault) {
      host.exitNow(exitCodes.fault);
    }
    hasFault = true;
    request({ why: "fault" });
  });
  return {
    requested,
    request: () => request({ why: "signal" }),
    stopListening() {
      forgetSignals();
      forgetNpm();
      forgetUncaught();
    },
  };
}

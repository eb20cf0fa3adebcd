import { components } from "../components.ts";
import { formatProblem } from "../config/problem.ts";
import type { ServiceConfig } from "../service/config.ts";
import { exceptionFields } from "../service/exception-fields.ts";
import { createLogger, type RootLogger } from "../service/logger.ts";
import { createService, type Service } from "../service/service.ts";
import { exitCodeOfSignal, exitCodes } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import { readConfig } from "./read-config.ts";
import { createStopRequests } from "./stop-requests.ts";
import { programVersion } from "./version.ts";

/** Runs the collector until a stop signal arrives. Resolves to the exit code. */
export async function run(host: Host, sources: readonly string[]): Promise<number> {
  const config = readConfig(host, sources);
  if (config === undefined) {
    return exitCodes.failure;
  }
  const { level, encoding, sampling, initial_fields } = config.service.telemetry.logs;
  const logger = createLogger({
    level,
    encoding,
    ...(sampling.enabled ? { sampling: { ...sampling, tickMs: sampling.tick } } : {}),
    initialFields: initial_fields,
    clock: host.clock,
    write: host.stderr,
  });
  for (const notice of config.notices) {
    logger.warn("The configuration is valid, but contains a probable mistake.", {
      notice: formatProblem(notice),
    });
  }
  const letGo = host.keepAlive();
  try {
    return await runService(host, config, logger);
  } finally {
    letGo();
  }
}

async function runService(host: Host, config: ServiceConfig, logger: RootLogger): Promise<number> {
  const version = programVersion();
  logger.info("Starting activity-collector.", { version, node: process.version });
  // Before anything is open, so that a signal during the start also counts.
  const ending = untilEnded(host, logger);
  try {
    const service = createService({
      ...host,
      plan: config,
      factories: components,
      version,
      logger,
    });
    await service.start();
    logger.info("Everything is ready. Begin running and processing data.");
    const { why } = await ending.requested;
    return await drain(service, logger, why);
  } catch (error) {
    host.stderr(`${error instanceof Error ? error.message : String(error)}\n`);
    return exitCodes.failure;
  } finally {
    ending.stopListening();
  }
}

async function drain(
  service: Service,
  logger: RootLogger,
  why: "signal" | "fault",
): Promise<number> {
  const isClean = await service.shutdown();
  if (isClean) {
    logger.info("Shutdown complete.");
  } else {
    logger.error("Shutdown complete, with failures; the lines above say which.");
  }
  return why === "signal" && isClean ? exitCodes.success : exitCodes.fault;
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
    stopListening() {
      forgetSignals();
      forgetUncaught();
    },
  };
}

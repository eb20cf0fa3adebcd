import type { Logger } from "../../component/settings.ts";
import { type Refusal, refusal } from "./refusal.ts";

/** Logs a bug that one request met, and refuses the request. */
export function reportFault(logger: Logger, error: unknown): Refusal {
  logger.error("A request failed because of a bug. Please report it.", framesOf(error));
  return refusal("fault", "The request failed because of a bug in this program.");
}

/** The type and place of an exception. Not its message: a message of the runtime may quote data of a sender. */
export function framesOf(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof Error)) {
    return { "exception.type": typeof error };
  }
  const lines = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return { "exception.type": error.name, "exception.stacktrace": lines.slice(0, 10).join("\n") };
}

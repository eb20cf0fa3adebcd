import { exceptionFields } from "../../component/exception-fields.ts";
import type { Logger } from "../../component/settings.ts";
import { type Refusal, refusal } from "./refusal.ts";

/** Logs a bug that one request met, and refuses the request. */
export function reportFault(logger: Logger, error: unknown): Refusal {
  logger.error("A request failed because of a bug. Please report it.", exceptionFields(error));
  return refusal("fault", "The request failed because of a bug in this program.");
}

import { spansToJudge } from "../../activity/recognition/unrecognized-services.ts";
import type { Logger } from "../../component/settings.ts";
import { shownService } from "./shown-service.ts";

/** A service beyond so many is not listed. */
const maxServices = 20;

/** Says once of each service that its spans have no work: of 20 services at most; after that one more line says that there are more. */
export class UnrecognizedLog {
  readonly #logger: Logger;
  readonly #services = new Set<string>();
  #isFull = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  onUnrecognized(service: string, patterns: number): void {
    if (this.#isFull || this.#services.has(service)) {
      return;
    }
    if (this.#services.size === maxServices) {
      this.#isFull = true;
      this.#logger.info(
        "More services send spans of which none is a run, a tool or a model call. They are not listed; openclaw_session_activity_unrecognized_services counts them.",
        { listed: maxServices },
      );
      return;
    }
    this.#services.add(service);
    this.#logger.info(
      "A service sends spans of which none is a run, a tool or a model call. If it has no agents, all is well. If it has, no rule knows their framework: docs/frameworks.md lists those that are known, and work_spans adds rules for others.",
      { service: shownService(service), spans: spansToJudge, span_name_patterns: patterns },
    );
  }
}

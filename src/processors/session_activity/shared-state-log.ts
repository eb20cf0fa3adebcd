import type { Logger } from "../../component/settings.ts";
import { shownService } from "./shown-service.ts";

/** A service beyond so many is not listed. */
const maxServices = 10;

/**
 * Warns once of each service whose processes cannot be distinguished, and so share a state. Keeps the names of at most {@link maxServices}
 * services; after that one more line says that there are more.
 */
export class SharedStateLog {
  readonly #logger: Logger;
  readonly #services = new Set<string>();
  #isFull = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  onShared(service: string): void {
    if (this.#isFull || this.#services.has(service)) {
      return;
    }
    if (this.#services.size === maxServices) {
      this.#isFull = true;
      this.#logger.warn(
        "Processes of more services share a state, because they send neither a service.instance.id nor host and pid. Those services are not listed.",
        { listed: maxServices },
      );
      return;
    }
    this.#services.add(service);
    this.#logger.warn(
      "Processes of a service that send neither a service.instance.id nor host and pid share one state: what one of them reports may end, hold or pause the work of another. Give each a service.instance.id, e.g. in OTEL_RESOURCE_ATTRIBUTES.",
      { service: shownService(service) },
    );
  }
}

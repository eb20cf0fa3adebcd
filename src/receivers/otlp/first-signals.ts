import type { Logger } from "../../component/settings.ts";
import { hasIdShape } from "../../metrics/id-shape.ts";
import type { Encoding } from "../../otlp/encode.ts";
import type { Signal, Transport } from "../../otlp/payload.ts";
import { firstServiceName } from "../../otlp/service-name.ts";

/** A valid request: how it came, and its protobuf bytes. */
export interface FirstRequest {
  readonly signal: Signal;
  readonly transport: Transport;
  readonly encoding: Encoding;
  readonly bytes: Uint8Array;
}

const maxServices = 100;
const maxNameBytes = 100;

/**
 * Logs once for each service that something arrived from it, so that an operator sees that a sender is connected. It looks at the first
 * resource of a request only, keeps the first 400 bytes of each of at most 100 names, and looks at nothing after that.
 */
export class FirstSignals {
  readonly #logger: Logger;
  readonly #seen = new Set<string>();
  #isFull = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  see({ signal, transport, encoding, bytes }: FirstRequest): void {
    if (this.#isFull) {
      return;
    }
    const name = firstServiceName(bytes);
    const seen = Buffer.from(name.subarray(0, 4 * maxNameBytes)).toString("latin1");
    if (this.#seen.has(seen)) {
      return;
    }
    if (this.#seen.size === maxServices) {
      this.#isFull = true;
      this.#logger.info("Signals arrived from many services, so that no more of them are listed.", {
        services: maxServices,
      });
      return;
    }
    this.#seen.add(seen);
    this.#logger.info(
      `First signals from ${shownService(name)} (${signal} over ${transport}, ${encoding}).`,
    );
  }
}

/** A name that looks like an id may be one, and no id of a sender is in our log. */
function shownService(name: Uint8Array): string {
  if (name.length === 0) {
    return "a service without a name";
  }
  return hasIdShape(new TextDecoder().decode(name.subarray(0, 4 * maxNameBytes)))
    ? "a service whose name looks like an id"
    : `service ${quoted(name)}`;
}

/** The name in quotes, cut to a length that fits into a line, without anything that a terminal would obey. */
function quoted(name: Uint8Array): string {
  const isCut = name.length > maxNameBytes;
  const text = new TextDecoder().decode(name.subarray(0, maxNameBytes));
  // A cut may go through a character.
  const shown = isCut ? `${text.replace(/\ufffd+$/, "")}…` : text;
  return JSON.stringify(shown).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

import type { Payload } from "../otlp/payload.ts";

/**
 * Encodes payloads as bodies of requests, and keeps the bodies of those that will be sent again: to encode megabytes for each attempt
 * would keep the process busy through an outage.
 *
 * Keeps a body for as long as its payload exists, and only one that is shorter than the payload, which is bounded by the queue.
 */
export class EncodedBodies {
  readonly #encode: (payload: Payload) => Promise<Uint8Array | undefined>;
  readonly #bodies = new WeakMap<Payload, Uint8Array>();

  /** `encode` returns undefined for a payload that is too large to be sent. */
  constructor(encode: (payload: Payload) => Promise<Uint8Array | undefined>) {
    this.#encode = encode;
  }

  async of(payload: Payload): Promise<Uint8Array | undefined> {
    return this.#bodies.get(payload) ?? (await this.#encode(payload));
  }

  /** The payload will be sent again. */
  keep(payload: Payload, body: Uint8Array): void {
    if (body.length < payload.bytes.length) {
      this.#bodies.set(payload, body);
    }
  }
}

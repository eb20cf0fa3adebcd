import { ByteBlocks } from "./byte-blocks.ts";
import type { RequestShare } from "./fair-shares.ts";
import { type GrpcMessage, messagePrefixBytes } from "./grpc-protocol.ts";

/**
 * Why a call has no message:
 *
 * - `too_large`: the message is longer than allowed, as announced. No byte of it was kept.
 * - `busy`: there is no room for it beside others; a later try may succeed.
 * - `malformed`: the bytes are not those of gRPC.
 * - `truncated`: they end within a message.
 * - `several`, `none`: a unary call has exactly one.
 */
export type MessageProblem = "too_large" | "busy" | "malformed" | "truncated" | "several" | "none";

export interface MessageLimits {
  /** The most bytes of the message as it is sent. */
  readonly maxBytes: number;
  /** Of what all requests may take. */
  readonly share: Pick<RequestShare, "expect" | "tryTake" | "giveBack">;
}

/** A message begins with so much memory, or with so many times what has arrived, whatever it announces, and grows as bytes arrive. */
const firstBlockBytes = 16 * 1024;
const firstBlockFactor = 16;

/**
 * Reads the one message of a unary call from the pieces in which it arrives. It keeps at most the bytes that have arrived, which count
 * towards the share of the call.
 */
export class MessageReader {
  readonly #limits: MessageLimits;
  readonly #prefix = new Uint8Array(messagePrefixBytes);
  #prefixBytes = 0;
  #length = 0;
  #body: ByteBlocks | undefined;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  /** Takes the next piece. After a problem the reader takes no more. */
  take(chunk: Uint8Array): MessageProblem | undefined {
    let at = 0;
    for (; at < chunk.length && this.#prefixBytes < messagePrefixBytes; at++) {
      this.#prefix[this.#prefixBytes++] = chunk[at] ?? 0;
    }
    if (this.#body === undefined) {
      if (this.#prefixBytes < messagePrefixBytes) {
        return undefined;
      }
      if ((this.#prefix[0] ?? 0) > 1) {
        return "malformed";
      }
      this.#length = new DataView(this.#prefix.buffer).getUint32(1);
      if (this.#length > this.#limits.maxBytes) {
        return "too_large";
      }
      this.#limits.share.expect(this.#length);
      // Nearly all messages get exactly their bytes: they are whole, or the first piece is one of few.
      const first = Math.max(firstBlockBytes, firstBlockFactor * (chunk.length - at));
      this.#body = new ByteBlocks(this.#length, Math.min(first, this.#length));
    }
    const arrived = chunk.length - at;
    if (arrived > this.#length - this.#body.length) {
      return "several";
    }
    if (!this.#limits.share.tryTake(arrived)) {
      return "busy";
    }
    if (this.#body === undefined) {
      this.#limits.share.giveBack(arrived); // This very message had stalled, and made room.
      return "busy";
    }
    this.#body.add(chunk.subarray(at));
    return undefined;
  }

  /** The message, when no more pieces come. The caller must give its bytes back. */
  end(): GrpcMessage | MessageProblem {
    if (this.#prefixBytes === 0) {
      return "none";
    }
    return this.#body === undefined || this.#body.length < this.#length
      ? "truncated"
      : { isCompressed: this.#prefix[0] === 1, bytes: this.#body.joined() };
  }

  /** Gives back what the reader has taken. For a message that is not used. */
  release(): void {
    this.#limits.share.giveBack(this.#body?.length ?? 0);
    this.#body = undefined;
  }
}

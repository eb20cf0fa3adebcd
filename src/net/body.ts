import type { IncomingMessage } from "node:http";

/**
 * The whole body as it was sent, or the reason why there is none:
 *
 * - `too_large`: more than `maxBytes`, as announced or as counted.
 * - `busy`: the budget shared with other requests is used up; a later try may succeed.
 * - `aborted`: the sender closed the connection, or was too slow and was disconnected. No answer is possible.
 */
export type BodyResult =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly problem: "too_large" | "busy" | "aborted" };

export interface BodyLimits {
  /** The most bytes that this body may have, before decompression. */
  readonly maxBytes: number;
  /** Shared by all bodies. After success the caller must release `bytes.length`; otherwise nothing. */
  readonly budget: ByteBudget;
}

/**
 * A bound on the bytes that all its users hold at one time. It keeps their sum; a request that would exceed `limitBytes` is
 * refused at once instead of waiting.
 */
export class ByteBudget {
  readonly limitBytes: number;
  #takenBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Takes all of `bytes` and returns true, or takes nothing and returns false. The caller must give back the bytes it took. */
  tryTake(bytes: number): boolean {
    if (this.#takenBytes + bytes > this.limitBytes) {
      return false;
    }
    this.#takenBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#takenBytes -= bytes;
  }
}

/**
 * Reads the body of a request into one buffer of at most `maxBytes`, whose bytes count towards the shared budget. At
 * either bound the body is refused. An announced length over the limit is refused before a byte is read; memory is
 * allocated as bytes arrive, never by the announced length. Call it once, before any other reader. After a
 * refusal node:http discards the rest of the body once the answer is sent.
 */
export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<BodyResult> {
  // node:http has checked that it is a decimal number and that no Transfer-Encoding contradicts it.
  const header = request.headers["content-length"];
  const announced = header === undefined ? undefined : Number(header);
  if (announced !== undefined && announced > limits.maxBytes) {
    return Promise.resolve({ ok: false, problem: "too_large" });
  }
  if (request.destroyed) {
    return Promise.resolve({ ok: false, problem: "aborted" });
  }
  const { promise, resolve } = Promise.withResolvers<BodyResult>();
  let buffer: Uint8Array = nothing;
  let length = 0;

  const settle = (result: BodyResult) => {
    request.off("data", onData).off("end", onEnd).off("close", onClose);
    if (!result.ok) {
      limits.budget.giveBack(length);
    }
    resolve(result);
  };
  const onData = (chunk: Uint8Array) => {
    const needed = length + chunk.length;
    if (needed > limits.maxBytes) {
      settle({ ok: false, problem: "too_large" });
      return;
    }
    if (!limits.budget.tryTake(chunk.length)) {
      settle({ ok: false, problem: "busy" });
      return;
    }
    if (length === 0 && needed === announced) {
      // The whole body in one piece: node:http made this copy only for this listener.
      buffer = chunk;
    } else {
      if (needed > buffer.length) {
        buffer = grown(buffer, { length, needed, atMost: announced ?? limits.maxBytes });
      }
      buffer.set(chunk, length);
    }
    length = needed;
  };
  const onEnd = () => settle({ ok: true, bytes: withoutSlack(buffer.subarray(0, length)) });
  const onClose = () => settle({ ok: false, problem: "aborted" });

  request.on("data", onData).on("end", onEnd).on("close", onClose);
  return promise;
}

/**
 * A view keeps the whole memory behind it alive. Copies the bytes if more than a quarter of that memory is slack, else returns
 * `bytes` unchanged.
 */
export function withoutSlack(bytes: Uint8Array): Uint8Array {
  // Not slice(): on a Buffer it returns a view and does not copy.
  return bytes.length * 4 < bytes.buffer.byteLength * 3 ? new Uint8Array(bytes) : bytes;
}

const nothing = new Uint8Array(0);

/** A body of up to this size is given its announced length at once; a larger one grows into it. */
const trustedBytes = 1024 * 1024;
const firstGuessBytes = 64 * 1024;

function grown(
  buffer: Uint8Array,
  size: { readonly length: number; readonly needed: number; readonly atMost: number },
): Uint8Array {
  const first = size.atMost <= trustedBytes ? size.atMost : firstGuessBytes;
  const wanted = Math.max(size.needed, first, buffer.length * 2);
  const larger = Buffer.allocUnsafeSlow(Math.max(size.needed, Math.min(wanted, size.atMost)));
  larger.set(buffer.subarray(0, size.length));
  return larger;
}

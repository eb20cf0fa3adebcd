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
 * Reads the body of a request into one buffer of at most `maxBytes`. Its bytes count towards the shared budget. At
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
  const body = new Blocks(Math.min(announced ?? limits.maxBytes, limits.maxBytes));

  const settle = (result: BodyResult) => {
    request.off("data", onData).off("end", onEnd).off("close", onClose);
    if (!result.ok) {
      limits.budget.giveBack(body.length);
    }
    resolve(result);
  };
  const onData = (chunk: Uint8Array) => {
    if (body.length + chunk.length > limits.maxBytes) {
      settle({ ok: false, problem: "too_large" });
      return;
    }
    if (!limits.budget.tryTake(chunk.length)) {
      settle({ ok: false, problem: "busy" });
      return;
    }
    if (body.length === 0 && chunk.length === announced) {
      // The whole body in one piece: node:http made this copy only for this listener.
      body.adopt(chunk);
    } else {
      body.add(chunk);
    }
  };
  const onEnd = () => settle({ ok: true, bytes: body.joined() });
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

/** A body of up to this size is given its announced length at once; a larger one grows. No block is larger. */
const largestBlockBytes = 1024 * 1024;
const firstBlockBytes = 64 * 1024;

/**
 * The bytes that have arrived, in blocks. A buffer that grows by doubling would leave as much garbage as it holds, and many bodies that
 * stop in the middle would take twice their bytes. A list of the chunks would keep an object for each, and a sender can send a byte at
 * a time.
 */
class Blocks {
  readonly #atMost: number;
  readonly #full: Uint8Array[] = [];
  /** The last block, and how much of it is in use. */
  #block: Uint8Array = new Uint8Array(0);
  #used = 0;
  length = 0;

  constructor(atMost: number) {
    this.#atMost = atMost;
  }

  /** Takes a chunk as its first block, without a copy. */
  adopt(chunk: Uint8Array): void {
    this.#block = chunk;
    this.#used = chunk.length;
    this.length = chunk.length;
  }

  add(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#used === this.#block.length) {
        this.#open();
      }
      const part = chunk.subarray(at, at + this.#block.length - this.#used);
      this.#block.set(part, this.#used);
      this.#used += part.length;
      this.length += part.length;
      at += part.length;
    }
  }

  /** All bytes in one piece. */
  joined(): Uint8Array {
    const last = this.#block.subarray(0, this.#used);
    if (this.#full.length === 0) {
      return withoutSlack(last);
    }
    const bytes = Buffer.allocUnsafeSlow(this.length);
    let at = 0;
    for (const block of [...this.#full, last]) {
      bytes.set(block, at);
      at += block.length;
    }
    return bytes;
  }

  #open(): void {
    if (this.#block.length > 0) {
      this.#full.push(this.#block);
    }
    const first = this.#atMost <= largestBlockBytes ? this.#atMost : firstBlockBytes;
    const wanted = Math.min(Math.max(first, this.#block.length * 2), largestBlockBytes);
    this.#block = Buffer.allocUnsafeSlow(Math.min(wanted, this.#atMost - this.length));
    this.#used = 0;
  }
}

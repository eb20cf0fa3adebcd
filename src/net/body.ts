import type { IncomingMessage } from "node:http";
import { ByteBlocks, largestBlockBytes } from "./byte-blocks.ts";
import type { RequestShare } from "./fair-shares.ts";

/**
 * The whole body as it was sent, or the reason why there is none:
 *
 * - `too_large`: more than `maxBytes`, as announced or as counted.
 * - `busy`: there is no room for it beside others; a later try may succeed.
 * - `stalled`: others needed its room, because it was slow or held more than they do.
 * - `aborted`: the sender closed the connection, or was too slow and was disconnected. No answer is possible.
 */
export type BodyResult =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly problem: "too_large" | "busy" | "stalled" | "aborted" };

/** The first block of a body that is larger than a block, or may be. */
const firstBlockBytes = 64 * 1024;

export interface BodyLimits {
  /** The most bytes that this body may have, before decompression. */
  readonly maxBytes: number;
  /** Of what all bodies may take. After success it holds `bytes.length` more; otherwise nothing. */
  readonly share: Pick<RequestShare, "expect" | "tryTake" | "giveBack" | "wait">;
}

/**
 * Reads the body of a request into one buffer of at most `maxBytes`. Its bytes count towards the share of its request. At
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
  const atMost = Math.min(announced ?? limits.maxBytes, limits.maxBytes);
  const body = new ByteBlocks(atMost, atMost <= largestBlockBytes ? atMost : firstBlockBytes);

  limits.share.expect(announced ?? 0);
  let isSettled = false;
  const arrival = limits.share.wait(() => settle({ ok: false, problem: "stalled" }));
  const settle = (result: BodyResult) => {
    isSettled = true;
    arrival.end();
    request.off("data", onData).off("end", onEnd).off("close", onClose);
    if (!result.ok) {
      limits.share.giveBack(body.length);
    }
    resolve(result);
  };
  const onData = (chunk: Uint8Array) => {
    if (body.length + chunk.length > limits.maxBytes) {
      settle({ ok: false, problem: "too_large" });
      return;
    }
    arrival.progressed(chunk.length);
    if (!limits.share.tryTake(chunk.length)) {
      settle({ ok: false, problem: "busy" });
      return;
    }
    if (isSettled) {
      limits.share.giveBack(chunk.length); // This very body had stalled, and made room.
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

import { constants, type ServerHttp2Stream } from "node:http2";
import type { CancelTimer, Clock } from "../../component/clock.ts";
import type { RequestShare } from "../../net/fair-shares.ts";
import { type MessageLimits, type MessageProblem, MessageReader } from "../../net/grpc-message.ts";
import {
  encodeGrpcMessage,
  type GrpcCode,
  type GrpcMessage,
  grpcCodeNumber,
  messagePrefix,
} from "../../net/grpc-protocol.ts";

/** What a call is answered with. */
export type GrpcAnswer =
  /** OK, with a response. */
  | { readonly message: Uint8Array }
  | {
      readonly code: Exclude<GrpcCode, "OK">;
      readonly text: string;
      /** A `google.rpc.Status` in protobuf. */
      readonly details?: Uint8Array;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** For a client that does not speak gRPC. */
  | { readonly httpStatus: number; readonly text: string };

/**
 * Why a call has no message: also `left`, the client has gone; `late`, the message did not arrive in time; `stalled`, hardly anything of it
 * arrived for some seconds, or it holds most, and others needed its room.
 */
export type ReadProblem = MessageProblem | "left" | "late" | "stalled";

export interface ReadLimits extends MessageLimits {
  readonly share: Pick<RequestShare, "expect" | "tryTake" | "giveBack" | "wait">;
}

/** How long a message may take to arrive, and an answer to be taken. */
export const transferTimeoutMs = 60_000;

/** The server's side of a unary call. */
export class ServerCall {
  readonly #stream: ServerHttp2Stream;
  readonly #clock: Clock;
  readonly #gone = new AbortController();
  #cancelDeadline: CancelTimer = () => {};
  #isAnswered = false;
  #isGivenUp = false;

  /** `timeoutMs`: how long the client waits for the answer, if it says so. */
  constructor(stream: ServerHttp2Stream, clock: Clock, timeoutMs: number | undefined) {
    this.#stream = stream;
    this.#clock = clock;
    if (timeoutMs !== undefined) {
      this.#cancelDeadline = clock.after(timeoutMs, () => this.#expire());
    }
    stream.once("close", () => {
      this.#cancelDeadline();
      if (!this.#isAnswered) {
        this.#gone.abort();
      }
    });
  }

  /** Aborts when the client has left, or has stopped waiting, before it has an answer. */
  get sender(): AbortSignal {
    return this.#gone.signal;
  }

  /** Reads the message. Call it once. Its bytes count towards the share of the call. */
  read(limits: ReadLimits): Promise<GrpcMessage | ReadProblem> {
    const stream = this.#stream;
    if (stream.destroyed || this.sender.aborted) {
      return Promise.resolve("left");
    }
    const reader = new MessageReader(limits);
    const { promise, resolve } = Promise.withResolvers<GrpcMessage | ReadProblem>();
    const arrival = limits.share.wait(() => settle("stalled"));
    const settle = (result: GrpcMessage | ReadProblem) => {
      arrival.end();
      cancelTimer();
      stream.off("data", onData).off("end", onEnd).off("close", onLeft);
      this.sender.removeEventListener("abort", onLeft);
      if (typeof result === "string") {
        reader.release();
      }
      resolve(result);
    };
    const onData = (chunk: Uint8Array) => {
      arrival.progressed(chunk.length);
      const problem = reader.take(chunk);
      if (problem !== undefined) {
        settle(problem);
      }
    };
    // A stream that was reset ends, too.
    const onEnd = () => settle(stream.closed || stream.aborted ? "left" : reader.end());
    const onLeft = () => settle(this.#isAnswered && !this.#isGivenUp ? "late" : "left");
    const cancelTimer = this.#clock.after(transferTimeoutMs, () => settle("late"));
    stream.on("data", onData).on("end", onEnd).on("close", onLeft);
    this.sender.addEventListener("abort", onLeft, { once: true });
    return promise;
  }

  /** Does nothing when the client has its answer, or has left. */
  answer(answer: GrpcAnswer): void {
    const stream = this.#stream;
    if (this.#isAnswered || stream.closed || stream.destroyed) {
      return;
    }
    this.#isAnswered = true;
    this.#cancelDeadline();
    if ("message" in answer) {
      stream.respond(grpcHead, { waitForTrailers: true });
      stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.write(messagePrefix(answer.message.length, false));
      stream.end(answer.message);
    } else if ("httpStatus" in answer) {
      stream.respond({
        ":status": answer.httpStatus,
        "content-type": "text/plain; charset=utf-8",
      });
      stream.end(`${answer.text}\n`);
    } else {
      // An answer without a message is trailers only.
      stream.respond(
        {
          ...grpcHead,
          "grpc-status": String(grpcCodeNumber(answer.code)),
          "grpc-message": encodeGrpcMessage(answer.text),
          ...(answer.details === undefined
            ? {}
            : { "grpc-status-details-bin": Buffer.from(answer.details).toString("base64") }),
          ...answer.headers,
        },
        { endStream: true },
      );
    }
    if (!stream.readableEnded) {
      // The rest of the request is not wanted: after a whole answer, NO_ERROR says so.
      stream.close(constants.NGHTTP2_NO_ERROR);
    }
    // A client that does not take its answer.
    const cancel = this.#clock.after(transferTimeoutMs, () =>
      stream.close(constants.NGHTTP2_CANCEL),
    );
    stream.once("close", cancel);
  }

  /**
   * Has the share of the call leave when the client has taken its answer. Until then the call keeps its place, but gives it up when
   * others need it.
   */
  taken(share: Pick<RequestShare, "wait" | "leave" | "giveBackAll">): void {
    const stream = this.#stream;
    share.giveBackAll();
    if (stream.destroyed) {
      share.leave();
      return;
    }
    share.wait(() => stream.close(constants.NGHTTP2_CANCEL));
    stream.once("close", () => share.leave());
  }

  /** Answers that the call may be tried again elsewhere, because its connection ends. */
  giveUp(): void {
    if (!this.#isAnswered) {
      this.#isGivenUp = true;
      this.answer({
        code: "UNAVAILABLE",
        text: "The connection ends before the call is answered. Send it again.",
      });
      this.#gone.abort();
    }
  }

  #expire(): void {
    if (!this.#isAnswered) {
      this.answer({
        code: "DEADLINE_EXCEEDED",
        text: "The deadline of the call passed before it was answered.",
      });
      this.#gone.abort();
    }
  }
}

const grpcHead = { ":status": 200, "content-type": "application/grpc" } as const;

import pLimit from "p-limit";
import type { Consumer } from "../../component/consumer.ts";
import type { ByteBudget } from "../../net/body.ts";
import { type ContentEncoding, inflate } from "../../net/inflate.ts";
import type { Encoding } from "../../otlp/encode.ts";
import type { Payload, Signal, Transport } from "../../otlp/payload.ts";
import { readRequest } from "../../otlp/read-request.ts";
import type { ContentReport } from "./content-report.ts";
import type { FirstSignals } from "./first-signals.ts";
import { type Refusal, refusal } from "./refusal.ts";
import type { Outcome } from "./request-outcome.ts";

/** The signal, encoding and destination of a request, from its head. */
export interface Route {
  readonly signal: Signal;
  readonly next: Consumer;
  readonly encoding: Encoding;
  readonly content: ContentEncoding;
}

/** A body that has arrived. */
export interface ReceivedBody {
  /** As it was sent. */
  readonly bytes: Uint8Array;
  readonly route: Route;
  readonly transport: Transport;
  /** The most bytes that it may have after decompression. */
  readonly maxBytes: number;
  /** Aborts when the sender has left. */
  readonly sender: AbortSignal;
}

/** Processes bodies of all transports. */
export interface RequestHandler {
  /**
   * The bodies that are not answered yet, compressed and inflated bytes together. Who reads a body takes its bytes, and `handle` gives
   * them back.
   */
  readonly budget: ByteBudget;
  handle(body: ReceivedBody): Promise<Outcome>;
}

export const busy: Refusal = refusal("busy", "Too many requests are in progress. Try again later.");

export function tooLarge(maxBytes: number): Refusal {
  return refusal(
    "too_large",
    `The body must have at most ${maxBytes} bytes, as sent and after decompression.`,
  );
}

export interface RequestHandlerOptions {
  readonly budget: ByteBudget;
  readonly report: ContentReport;
  readonly firstSignals: FirstSignals;
}

/** As many as the thread pool has threads; more would only hold more half-inflated bodies. */
const inflatingAtATime = 4;

/**
 * Creates a handler that inflates a body, checks it and forwards it to the pipelines. A request beyond the budget is refused as busy.
 * At most four large bodies are inflated at a time; the others wait.
 */
export function createRequestHandler({
  budget,
  report,
  firstSignals,
}: RequestHandlerOptions): RequestHandler {
  const slots = pLimit(inflatingAtATime);

  return {
    budget,
    async handle(body) {
      const { bytes, route, maxBytes } = body;
      let heldBytes = bytes.length;
      try {
        const inflated = await inflate(bytes, route.content, { maxBytes, slots });
        if (!inflated.ok) {
          return inflated.problem === "too_large"
            ? tooLarge(maxBytes)
            : refusal("undecodable", `The body is not one complete ${route.content} stream.`);
        }
        if (inflated.bytes !== bytes) {
          if (!budget.tryTake(inflated.bytes.length)) {
            return busy;
          }
          heldBytes += inflated.bytes.length;
        }
        return await forward(inflated.bytes, body, { report, firstSignals });
      } finally {
        budget.giveBack(heldBytes);
      }
    },
  };
}

async function forward(
  bytes: Uint8Array,
  body: ReceivedBody,
  { report, firstSignals }: Pick<RequestHandlerOptions, "report" | "firstSignals">,
): Promise<Outcome> {
  const { signal, next, encoding } = body.route;
  const checked = readRequest(signal, encoding, bytes);
  if (!checked.ok) {
    return refusal("undecodable", checked.message);
  }
  const partial = report.partialOf({ signal, next, transport: body.transport }, checked);
  if (checked.items > 0) {
    firstSignals.see({ signal, transport: body.transport, encoding, bytes: checked.bytes });
    const payload: Payload = {
      signal,
      bytes: checked.bytes,
      items: checked.items,
      transport: body.transport,
      sender: body.sender,
    };
    const result = await next.consume(payload);
    if (result.status !== "accepted") {
      return result;
    }
  }
  return { status: "accepted", ...(partial === undefined ? {} : { partial }) };
}

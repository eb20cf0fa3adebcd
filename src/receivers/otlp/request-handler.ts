import pLimit from "p-limit";
import type { Consumer } from "../../component/consumer.ts";
import type { FairShares, RequestShare } from "../../net/fair-shares.ts";
import { type ContentEncoding, inflate } from "../../net/inflate.ts";
import { type CheckedRequest, checkRequest } from "../../otlp/check-request.ts";
import type { Encoding } from "../../otlp/encode.ts";
import { jsonText } from "../../otlp/exact-json.ts";
import type { Payload, Signal, Transport } from "../../otlp/payload.ts";
import { readJsonRequest } from "../../otlp/read-request.ts";
import { overLimit } from "../../otlp/request-limits.ts";
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
  /** Of what all requests may take. It has the bytes of this body already. */
  readonly share: RequestShare;
  /** Aborts when the sender has left. */
  readonly sender: AbortSignal;
  /** Whose work it reports, as `Payload.client`. */
  readonly client: string | undefined;
}

/** Processes bodies of all transports. */
export interface RequestHandler {
  /**
   * What the requests of all transports share: how many are not answered yet, and the bytes of their bodies, compressed and inflated ones
   * together. Who enters a request has it leave.
   */
  readonly shares: FairShares;
  handle(body: ReceivedBody): Promise<Outcome>;
}

export const busy: Refusal = refusal("busy", "Too many requests are in progress. Try again later.");

/** What an operator is to change when requests are refused as busy. */
export const busyRemedy =
  "A request was refused because too many are in progress; its sender is asked to try again. Check that backends and pipelines keep up, and which clients send slowly or much at a time, or raise the memory limit.";

/** What an operator is to change when a request exceeds a limit of what one may hold. */
export const tooComplexRemedy =
  "A request was refused because it holds more than one request may. No SDK sends so much in one: find out what sends it, and let it send smaller batches without what is empty.";

export const stalled: Refusal = refusal(
  "busy",
  "Others needed the room of the request, which arrived slowly or held more than they do. Try again later.",
);

export function tooLarge(maxBytes: number): Refusal {
  return refusal(
    "too_large",
    `The body must have at most ${maxBytes} bytes, as sent and after decompression.`,
  );
}

export const tooManyValues: Refusal = refusal(
  "too_large",
  "The JSON of the body has more values than fit into the memory of the receiver. Send smaller batches, or send protobuf, which takes a small part of it.",
);

export interface RequestHandlerOptions {
  readonly shares: FairShares;
  /** The most memory that the values of a JSON body may take while it is converted. */
  readonly maxJsonBytes: number;
  readonly report: ContentReport;
  readonly firstSignals: FirstSignals;
}

/** As many as the thread pool has threads; more would only hold more half-inflated bodies. */
const inflatingAtATime = 4;

/**
 * Creates a handler that inflates a body, checks it and forwards it to the pipelines. A request beyond its share is refused as busy.
 * The values of a JSON body take of it, too, while it is converted.
 * At most four large bodies are inflated at a time; the others wait.
 */
export function createRequestHandler({
  shares,
  maxJsonBytes,
  report,
  firstSignals,
}: RequestHandlerOptions): RequestHandler {
  const slots = pLimit(inflatingAtATime);

  /** `heldBytes`: what the request itself holds of the budget. */
  const checkedJson = (
    signal: Signal,
    bytes: Uint8Array,
    { share, heldBytes }: { readonly share: RequestShare; readonly heldBytes: number },
  ): CheckedRequest | Refusal => {
    const text = jsonText(bytes);
    const { weightBytes, exceeds } = text;
    if (exceeds !== undefined) {
      return overLimit(exceeds);
    }
    // A body that can never fit is too large: asking its sender to try again later would be wrong for ever.
    if (weightBytes > maxJsonBytes || weightBytes + heldBytes > shares.limitBytes) {
      return tooManyValues;
    }
    if (!share.tryTake(weightBytes)) {
      return busy;
    }
    try {
      return readJsonRequest(signal, text);
    } finally {
      share.giveBack(weightBytes);
    }
  };

  return {
    shares,
    async handle(body) {
      const { bytes, route, maxBytes, share } = body;
      const inflated = await inflate(bytes, route.content, { maxBytes, slots });
      if (!inflated.ok) {
        return inflated.problem === "too_large"
          ? tooLarge(maxBytes)
          : refusal("undecodable", `The body is not one complete ${route.content} stream.`);
      }
      let heldBytes = bytes.length;
      if (inflated.bytes !== bytes) {
        if (!share.tryTake(inflated.bytes.length)) {
          return busy;
        }
        heldBytes += inflated.bytes.length;
      }
      const checked =
        route.encoding === "json"
          ? checkedJson(route.signal, inflated.bytes, { share, heldBytes })
          : checkRequest(route.signal, inflated.bytes);
      if ("status" in checked) {
        return checked;
      }
      // Numbers may be longer in protobuf. They take less than they took while they were converted, so that there is room.
      const grownBytes = checked.ok ? checked.bytes.length - inflated.bytes.length : 0;
      if (grownBytes > 0) {
        share.tryTake(grownBytes);
      }
      return forward(checked, body, { report, firstSignals });
    },
  };
}

async function forward(
  checked: CheckedRequest,
  body: ReceivedBody,
  { report, firstSignals }: Pick<RequestHandlerOptions, "report" | "firstSignals">,
): Promise<Outcome> {
  const { signal, next, encoding } = body.route;
  if (!checked.ok) {
    return refusal(checked.problem, checked.message);
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
      ...(body.client === undefined ? {} : { client: body.client }),
    };
    const result = await next.consume(payload);
    if (result.status !== "accepted") {
      return result;
    }
  }
  return { status: "accepted", ...(partial === undefined ? {} : { partial }) };
}

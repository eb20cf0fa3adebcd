import type { IncomingMessage } from "node:http";
import pLimit from "p-limit";
import type { BodyLimits } from "../../memory/memory-budget.ts";
import { ByteBudget, readBody } from "../../net/body.ts";
import { inflate } from "../../net/inflate.ts";
import { checkRequest } from "../../otlp/check-request.ts";
import { requestFromJson } from "../../otlp/json.ts";
import type { Payload } from "../../otlp/payload.ts";
import { type Answer, acceptedAnswer, resultAnswer } from "./answer.ts";
import { type Refusal, refusal } from "./refusal.ts";
import type { Route } from "./route.ts";

/**
 * Processes the body of a request on its route. `sender` aborts when the sender has left. Undefined: it has disconnected, and no answer
 * is possible.
 */
export type RequestHandler = (
  request: IncomingMessage,
  route: Route,
  sender: AbortSignal,
) => Promise<Answer | Refusal | undefined>;

/** As many as the thread pool has threads; more would only hold more half-inflated bodies. */
const inflatingAtATime = 4;

/**
 * Creates a handler that reads a body, inflates it, checks it and forwards it to the pipelines. It keeps the bodies that
 * are not answered yet: at most `budgetBytes`, compressed and inflated bytes together. A request beyond that is
 * answered with 503. At most four large bodies are inflated at a time; the others wait.
 */
export function createRequestHandler({
  maxBodyBytes: maxBytes,
  budgetBytes,
}: BodyLimits): RequestHandler {
  const budget = new ByteBudget(budgetBytes);
  const slots = pLimit(inflatingAtATime);
  const tooLarge = refusal(
    "too_large",
    `The body must have at most ${maxBytes} bytes, as sent and after decompression.`,
  );
  const busy = refusal("busy", "Too many requests are in progress. Try again later.");

  return async (request, route, sender) => {
    const sent = await readBody(request, { maxBytes, budget });
    if (!sent.ok) {
      switch (sent.problem) {
        case "too_large":
          return tooLarge;
        case "busy":
          return busy;
        case "aborted":
          return undefined;
        default: {
          const never: never = sent.problem;
          return never;
        }
      }
    }
    let heldBytes = sent.bytes.length;
    try {
      const inflated = await inflate(sent.bytes, route.content, { maxBytes, slots });
      if (!inflated.ok) {
        return inflated.problem === "too_large"
          ? tooLarge
          : refusal("undecodable", `The body is not one complete ${route.content} stream.`);
      }
      if (inflated.bytes !== sent.bytes) {
        if (!budget.tryTake(inflated.bytes.length)) {
          return busy;
        }
        heldBytes += inflated.bytes.length;
      }
      return await forward(inflated.bytes, route, sender);
    } finally {
      budget.giveBack(heldBytes);
    }
  };
}

async function forward(
  body: Uint8Array,
  { signal, next, encoding }: Route,
  sender: AbortSignal,
): Promise<Answer | Refusal> {
  const request =
    encoding === "json"
      ? requestFromJson(signal, new TextDecoder().decode(body))
      : { ok: true as const, bytes: body };
  if (!request.ok) {
    return refusal("undecodable", request.message);
  }
  const checked = checkRequest(signal, request.bytes);
  if (!checked.ok) {
    return refusal("undecodable", checked.message);
  }
  if (checked.items > 0) {
    const payload: Payload = {
      signal,
      bytes: checked.bytes,
      items: checked.items,
      transport: "http",
      sender,
    };
    const result = await next.consume(payload);
    if (result.status !== "accepted") {
      return resultAnswer(encoding, result);
    }
  }
  return acceptedAnswer(
    encoding,
    signal,
    checked.rejected > 0
      ? { rejected: checked.rejected, message: checked.reason ?? "Some items are malformed." }
      : undefined,
  );
}

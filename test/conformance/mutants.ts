import type { Signal } from "../../src/otlp/payload.ts";
import type { SeenRequest } from "./backend.ts";
import type { ServerSetup } from "./collector.ts";
import { type Outcome, readOutcome, refusal, success, writeOutcome } from "./outcome.ts";
import type { ClientMutant, ServerMutant } from "./peers.ts";
import { grpcPaths, type Transport } from "./transport.ts";
import type { WireAnswer, WireRequest } from "./wire.ts";

// ---- Wrong servers.

/** Answers something else than the collector does. */
export function says(change: (outcome: Outcome) => Outcome): ServerMutant {
  return async ({ transport, request, forward }) => {
    const signal = signalOf(request);
    const outcome = readOutcome(transport, signal, await forward(request));
    return writeOutcome(transport, signal, change(outcome));
  };
}

/** Always gives this answer, and takes nothing. */
export function answers(outcome: Outcome): ServerMutant {
  return async ({ transport, request }) => writeOutcome(transport, signalOf(request), outcome);
}

/** Refuses everything as bad data. */
export const refusesAll = answers(refusal(400, 3));

/** Says that it has taken everything, and takes nothing. */
export const takesNothing = answers(success);

/** Changes the answer as it is on the wire. */
export function rewrites(
  change: (answer: WireAnswer, transport: Transport) => WireAnswer,
): ServerMutant {
  return async ({ transport, request, forward }) => change(await forward(request), transport);
}

/** Takes something else than it was sent. */
export function reads(change: (request: WireRequest) => WireRequest): ServerMutant {
  return async ({ request, forward }) => forward(change(request));
}

/** A collector with another config. */
export function configured(setup: ServerSetup): ServerMutant {
  return async ({ request, forward }) => forward(request, setup);
}

function signalOf({ path }: WireRequest): Signal {
  const [signal] = Object.entries(grpcPaths).find(([, each]) => each === path) ?? [];
  const word = signal ?? /(traces|metrics|logs)$/.exec(path)?.[1];
  return word === "metrics" || word === "logs" ? word : "traces";
}

// ---- Wrong clients.

/** Sends every request twice. */
export const sendsTwice: ClientMutant = {
  async stage(request, forward) {
    await forward(request);
    return forward(request);
  },
};

/** Sends a request that was not taken again at once, whatever the answer is. */
export const sendsAgainAtOnce: ClientMutant = {
  async stage(request, forward) {
    const reply = await forward(request);
    return isSuccess(reply) ? reply : forward(request);
  },
};

/** Takes every answer as success. */
export const takesAllAsSuccess: ClientMutant = {
  async stage(request, forward) {
    await forward(request);
    return writeOutcome(request.transport, request.signal, success);
  },
};

/** Never sends a request again. */
export const givesUp: ClientMutant = { setup: "one_attempt" };

/** Sends something else. */
export function sends(change: (request: SeenRequest) => SeenRequest): ClientMutant {
  return { stage: (request, forward) => forward(change(request)) };
}

/** Understands something else than it was answered. */
export function understands(change: (reply: WireAnswer) => WireAnswer): ClientMutant {
  return {
    async stage(request, forward) {
      const reply = await forward(request);
      return reply === "disconnect" ? reply : change(reply);
    },
  };
}

/** Sends again at a fixed interval, until the backend has taken the data. It does not wait but says that it has. */
export function sendsAgainEvery(intervalMs: number): ClientMutant {
  return {
    async stage(request, forward) {
      let reply = await forward(request);
      for (let more = 1; more <= 20 && !isSuccess(reply); more++) {
        reply = await forward({ ...request, atMs: request.atMs + more * intervalMs });
      }
      return reply;
    },
  };
}

export function withHeader<T extends { readonly headers: Readonly<Record<string, string>> }>(
  name: string,
  value: string,
) {
  return (message: T): T => ({ ...message, headers: { ...message.headers, [name]: value } });
}

export function withoutHeader<T extends { readonly headers: Readonly<Record<string, string>> }>(
  name: string,
) {
  return (message: T): T => {
    const { [name]: _, ...headers } = message.headers;
    return { ...message, headers };
  };
}

function isSuccess(reply: WireAnswer | "disconnect"): boolean {
  return (
    reply !== "disconnect" &&
    reply.status === 200 &&
    (reply.trailers["grpc-status"] ?? "0") === "0" &&
    (reply.headers["grpc-status"] ?? "0") === "0"
  );
}

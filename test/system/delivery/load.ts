import { setTimeout as pause } from "node:timers/promises";
import { agentSpan, orphanedTool, tracesRequest } from "../../support/agent-spans.ts";
import { send } from "../../support/send.ts";

const spansPerRequest = 10;
const requestsPerSecond = 20;
/** Every so many requests a run ends and leaves a tool open. */
const requestsPerOrphan = 10;

/**
 * A gateway under steady load that sends every request until it is answered with success, as an SDK with patience does: 200 spans
 * and 2 orphaned tools a second.
 */
export class Load {
  /** Ids of the spans that were sent. */
  readonly spans = new Set<string>();
  orphans = 0;
  requests = 0;
  /** Requests that were sent again, because they were refused or not answered. */
  resent = 0;
  /** Items of all requests that got an answer, by the answer. */
  readonly items = { accepted: 0, refused: 0 };
  /** How long the accepted requests took. */
  readonly latenciesMs: number[] = [];
  readonly #endpoint: () => string;
  readonly #inFlight = new Set<Promise<void>>();

  /** `endpoint`: the receiver of the collector that runs now. */
  constructor(endpoint: () => string) {
    this.#endpoint = endpoint;
  }

  /** Sends for so many seconds and until everything is answered with success. */
  async run(seconds: number): Promise<void> {
    const startMs = performance.now();
    for (let index = 0; index < seconds * requestsPerSecond; index++) {
      this.#track(this.#sendSpans());
      if (index % requestsPerOrphan === 0) {
        this.#track(this.#sendOrphan());
      }
      const nextMs = startMs + ((index + 1) * 1000) / requestsPerSecond;
      await pause(Math.max(0, nextMs - performance.now()));
    }
    await Promise.all(this.#inFlight);
  }

  /** Sends large requests, a few at a time, until each is answered with success. They count among the spans. */
  async sendBallast(requests: number, requestBytes: number): Promise<void> {
    const value = "x".repeat(requestBytes);
    let left = requests;
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        while (left > 0) {
          left -= 1;
          const span = agentSpan("GET /ballast", { ballast: value });
          this.spans.add(Buffer.from(span.spanId).toString("hex"));
          await this.#deliver(tracesRequest("shop", [{ span, endUnixMs: Date.now() + 1 }]), 1);
        }
      }),
    );
  }

  #track(sending: Promise<void>): void {
    const tracked = sending.finally(() => this.#inFlight.delete(tracked));
    this.#inFlight.add(tracked);
  }

  async #sendSpans(): Promise<void> {
    const spans = Array.from({ length: spansPerRequest }, () => agentSpan("GET /health"));
    for (const { spanId } of spans) {
      this.spans.add(Buffer.from(spanId).toString("hex"));
    }
    const endUnixMs = Date.now() + 1;
    await this.#deliver(
      tracesRequest(
        "shop",
        spans.map((span) => ({ span, endUnixMs })),
      ),
      spansPerRequest,
    );
  }

  async #sendOrphan(): Promise<void> {
    this.orphans += 1;
    const [start, end] = orphanedTool("gateway", {});
    await this.#deliver(start!, 2);
    await this.#deliver(end!, 1);
  }

  async #deliver(bytes: Uint8Array, items: number): Promise<void> {
    this.requests += 1;
    for (;;) {
      const sentMs = performance.now();
      const status = await send(this.#endpoint(), "traces", bytes).then(
        (answer) => answer.status,
        () => undefined,
      );
      if (status === 200) {
        this.items.accepted += items;
        this.latenciesMs.push(performance.now() - sentMs);
        return;
      }
      if (status !== undefined) {
        this.items.refused += items;
      }
      this.resent += 1;
      await pause(50);
    }
  }
}

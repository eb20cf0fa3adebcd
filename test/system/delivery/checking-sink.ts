import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import { otlp } from "../../../src/otlp/proto/generated.js";

/** How a backend behaves. It keeps what it answers with success, and what it answers with garbage. */
export type Behavior =
  | { readonly kind: "up" }
  /** Nothing listens. */
  | { readonly kind: "down" }
  /** Every request is answered with an error that may pass. */
  | { readonly kind: "unavailable"; readonly status: 429 | 503; readonly retryAfterS: number }
  /** Every answer takes its time. */
  | { readonly kind: "slow"; readonly delayMs: number }
  /** Every connection is accepted and reset. */
  | { readonly kind: "resets" }
  /** The requests are kept, but the answers are no OTLP. */
  | { readonly kind: "garbage" };

/** A backend that counts every span and every event that it keeps, by its id. */
export class CheckingSink {
  /** How often each span arrived, by its id. */
  readonly spans = new Map<string, number>();
  /** How often each event arrived, by its `log.record.uid`. */
  readonly events = new Map<string, number>();
  /** The evicted tools of all events, each event once. */
  evictedTools = 0;
  refusedRequests = 0;
  behavior: Behavior = { kind: "up" };
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  async open(): Promise<void> {
    const server = createServer((request, response) => void this.#take(request, response));
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => this.#sockets.delete(socket));
      if (this.behavior.kind === "resets") {
        socket.resetAndDestroy();
      }
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async become(behavior: Behavior): Promise<void> {
    const wasDown = this.behavior.kind === "down";
    this.behavior = behavior;
    if (behavior.kind === "down") {
      await this.close();
    } else if (wasDown) {
      await this.open();
    } else if (behavior.kind === "resets") {
      this.#cut();
    }
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) {
      const closed = new Promise((resolve) => server.close(resolve));
      this.#cut();
      await closed;
    }
  }

  #cut(): void {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Uint8Array[] = [];
    try {
      for await (const part of request) {
        parts.push(part);
      }
    } catch {
      return; // It broke off: no request.
    }
    const { behavior } = this;
    if (behavior.kind === "unavailable") {
      this.refusedRequests += 1;
      response.writeHead(behavior.status, { "retry-after": String(behavior.retryAfterS) }).end();
      return;
    }
    if (behavior.kind === "slow") {
      await new Promise((resolve) => setTimeout(resolve, behavior.delayMs));
    }
    if (response.destroyed) {
      return;
    }
    this.#keep(request.url ?? "", gunzipSync(Buffer.concat(parts)));
    const isGarbage = behavior.kind === "garbage";
    response.writeHead(200, { "content-type": isGarbage ? "text/html" : "application/x-protobuf" });
    response.end(isGarbage ? "<html>Sign in</html>" : undefined);
  }

  #keep(path: string, bytes: Uint8Array): void {
    if (path.endsWith("/v1/traces")) {
      for (const { scopeSpans } of otlp.ExportTraceServiceRequest.decode(bytes).resourceSpans) {
        for (const { spanId } of (scopeSpans ?? []).flatMap(({ spans }) => spans ?? [])) {
          const id = Buffer.from(spanId ?? []).toString("hex");
          this.spans.set(id, (this.spans.get(id) ?? 0) + 1);
        }
      }
    } else if (path.endsWith("/v1/logs")) {
      for (const { scopeLogs } of otlp.ExportLogsServiceRequest.decode(bytes).resourceLogs) {
        for (const { attributes } of (scopeLogs ?? []).flatMap(
          ({ logRecords }) => logRecords ?? [],
        )) {
          const read = (key: string) => attributes?.find((each) => each.key === key)?.value;
          const uid = read("log.record.uid")?.stringValue ?? "";
          if (!this.events.has(uid)) {
            this.evictedTools += Number(read("openclaw.evictedTools")?.intValue ?? 0);
          }
          this.events.set(uid, (this.events.get(uid) ?? 0) + 1);
        }
      }
    }
  }
}

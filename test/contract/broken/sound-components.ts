import { request } from "node:http";
import type { CollectionResult } from "@opentelemetry/sdk-metrics";
import type { CancelTimer } from "../../../src/component/clock.ts";
import type { Component, MetricsSource, StateRole } from "../../../src/component/component.ts";
import { accepted, type ConsumeResult, type Consumer } from "../../../src/component/consumer.ts";
import type { Settings } from "../../../src/component/settings.ts";
import type { Journal, StorageRole } from "../../../src/component/storage.ts";
import { type HttpServer, hostPortOf, listen } from "../../../src/net/server.ts";
import type { Payload, Signal } from "../../../src/otlp/payload.ts";
import { FakeSource } from "../fake-source.ts";
import { FakeStorage } from "../fake-storage.ts";
import { ordinaryPayload } from "../payloads.ts";

/** The section of these components. */
export interface Section {
  readonly folder: string;
  readonly backendUrl: string;
}

const stopped: ConsumeResult = { status: "retryable", message: "It has shut down." };

/** Keeps the contract: a processor of traces that derives one log record per second. */
export class SoundProcessor implements Component {
  readonly settings: Settings;
  readonly section: Section;
  isStopped = false;
  cancelTimer: CancelTimer = () => {};
  /** The derived record in flight. */
  inFlight: Promise<unknown> = Promise.resolve();
  logs: Consumer | undefined;

  constructor(settings: Settings, section: Section) {
    this.settings = settings;
    this.section = section;
  }

  readonly processor = {
    wrap: (_: Signal, next: Consumer): Consumer => ({
      consume: (payload) => this.consume(payload, next),
    }),
  };

  readonly receiver = {
    metrics: { collect: () => this.collect() },
    connect: (_: Signal, next: Consumer) => {
      this.logs = next;
    },
  };

  /** The journal of its predecessor is of no use to it. */
  readonly state: StateRole = {
    handOver: () => undefined,
    takeOver() {},
  };

  async start(): Promise<void> {
    if (this.settings.replaces?.sharesStorage !== true) {
      await this.settings.storage?.openJournal({ take() {}, onSnapshotNeeded() {} });
    }
    this.cancelTimer = this.settings.clock.every(1_000, () => this.derive());
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.isStopped = true;
    this.cancelTimer();
    await Promise.race([this.inFlight, aborted(deadline)]);
  }

  async consume(payload: Payload, next: Consumer): Promise<ConsumeResult> {
    return this.isStopped ? stopped : next.consume(payload);
  }

  derive(): void {
    this.inFlight = this.passOn(ordinaryPayload("logs")).catch(() => {});
  }

  async passOn(payload: Payload): Promise<void> {
    await this.logs?.consume(payload);
  }

  collect(): Promise<CollectionResult> {
    return new FakeSource().collect();
  }
}

/** Keeps the contract: an exporter of traces that sends each payload to the backend. */
export class SoundExporter implements Component {
  readonly section: Section;
  readonly settings: Settings;
  readonly stop = new AbortController();
  isStopped = false;
  readonly inFlight = new Set<Promise<ConsumeResult>>();

  constructor(settings: Settings, section: Section) {
    this.settings = settings;
    this.section = section;
  }

  readonly exporter = {
    consumer: (): Consumer => ({ consume: (payload) => this.consume(payload) }),
  };

  async start(): Promise<void> {}

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.isStopped = true;
    await Promise.race([Promise.all(this.inFlight), aborted(deadline)]);
    this.stop.abort();
  }

  async consume(payload: Payload): Promise<ConsumeResult> {
    if (this.isStopped) {
      return stopped;
    }
    const sending = this.send(payload);
    this.inFlight.add(sending);
    return sending.finally(() => this.inFlight.delete(sending));
  }

  send({ bytes, signal }: Payload): Promise<ConsumeResult> {
    return new Promise((resolve) => {
      const url = `${this.section.backendUrl}/v1/${signal}`;
      request(url, { method: "POST", agent: false, signal: this.stop.signal }, (response) => {
        response.resume();
        response.on("error", () => {});
        resolve(accepted);
      })
        .on("error", ({ message }) => resolve({ status: "retryable", message }))
        .end(bytes);
    });
  }
}

/** Keeps the contract: a scraped exporter whose page is empty. */
export class SoundScraped implements Component {
  readonly settings: Settings;
  source: MetricsSource | undefined;
  server: HttpServer | undefined;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  readonly exporter = {
    attach: (source: MetricsSource) => {
      this.source = source;
    },
  };

  async start(): Promise<void> {
    this.server = await listen({
      sockets: this.settings.sockets,
      host: "127.0.0.1",
      port: 0,
      handler: async (_, response) => {
        await this.answer();
        response.end();
      },
    });
    this.settings.logger.info("Listening.", { endpoint: hostPortOf(this.server) });
  }

  async answer(): Promise<void> {
    await this.source?.collect();
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.server?.close(deadline);
  }
}

/** Keeps the contract: a storage without a disk. */
export class SoundStorage implements Component {
  isRunning = false;

  readonly storage: StorageRole = {
    openJournal: () => this.openJournal(),
    closeJournal: async () => {},
  };

  async start(): Promise<void> {
    this.isRunning = true;
  }

  async shutdown(_: AbortSignal): Promise<void> {
    this.isRunning = false;
  }

  async openJournal(): Promise<Journal> {
    if (!this.isRunning) {
      throw new Error("It is not running.");
    }
    const journal = await new FakeStorage().openJournal();
    return {
      ...journal,
      appendNow: () => this.isRunning,
      snapshot: async () => ({ status: this.isRunning ? "done" : "busy" }),
    };
  }
}

/** Resolves when the deadline passes, at once if it has. */
function aborted(deadline: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (deadline.aborted) {
      resolve();
    }
    deadline.addEventListener("abort", () => resolve(), { once: true });
  });
}

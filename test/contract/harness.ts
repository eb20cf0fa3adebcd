import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Component } from "../../src/component/component.ts";
import type { ConsumeResult, Consumer } from "../../src/component/consumer.ts";
import type { Settings } from "../../src/component/settings.ts";
import { ListeningSockets } from "../../src/net/listening-sockets.ts";
import type { Payload, Signal } from "../../src/otlp/payload.ts";
import { type LogLine, noDeadline, testSettings } from "../exporters/settings.ts";
import { type GrpcSink, openGrpcSink } from "../support/grpc-sink.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import type { Subject } from "./component-setup.ts";
import { FakeNext } from "./fake-next.ts";
import { FakeSource } from "./fake-source.ts";
import { FakeStorage } from "./fake-storage.ts";
import { changesSince, processState } from "./process-state.ts";
import { graceMs, ResourceWatch } from "./resource-watch.ts";
import { captureUnhandled } from "./unhandled.ts";
import { settle, until, within } from "./waiting.ts";

/**
 * Creates and connects a component as the service does, runs `act` with it, and cleans up. Rejects if `act` does, or if
 * the component caused an uncaught exception or an unhandled rejection.
 */
export async function withHarness(
  subject: Subject,
  act: (harness: Harness) => Promise<void>,
): Promise<void> {
  const unhandled = captureUnhandled();
  const folder = mkdtempSync(join(tmpdir(), "contract-"));
  const backends = { http: await openSink(), grpc: await openGrpcSink() };
  const watch = new ResourceWatch();
  try {
    const harness = new Harness(subject, { folder, backends, watch });
    try {
      await act(harness);
      await settle();
    } finally {
      await harness.shutdown(AbortSignal.abort()).catch(() => {});
    }
  } finally {
    watch.stop();
    await closeAll(backends);
    rmSync(folder, { recursive: true, force: true });
    unhandled.restore();
  }
  if (unhandled.errors.length > 0) {
    const [first] = unhandled.errors;
    throw new Error(`It caused an unhandled error, which ends the process: ${String(first)}`, {
      cause: first,
    });
  }
}

/** The backends that a section may name. */
interface Backends {
  readonly http: OtlpSink;
  readonly grpc: GrpcSink;
}

async function closeAll({ http, grpc }: Backends): Promise<void> {
  grpc.close();
  await http.close();
}

/** A component under test with fakes around it. */
export class Harness {
  component: Component;
  readonly subject: Subject;
  readonly folder: string;
  readonly section: Readonly<Record<string, unknown>>;
  readonly #backends: Backends;
  readonly source = new FakeSource();
  readonly storage = new FakeStorage();
  readonly log: readonly LogLine[];
  readonly #settings: ReturnType<typeof testSettings>;
  readonly #watch: ResourceWatch;
  readonly #before = processState();
  readonly #nexts = new Map<string, FakeNext>();
  readonly #consumers = new Map<string, Consumer>();
  readonly #create: (
    own: Pick<Settings, "sockets"> & Partial<Pick<Settings, "replaces">>,
  ) => Component;
  readonly #pool = new ListeningSockets();
  #sockets = this.#pool.ownedBy("contract");

  constructor(
    subject: Subject,
    {
      folder,
      backends,
      watch,
    }: {
      readonly folder: string;
      readonly backends: Backends;
      readonly watch: ResourceWatch;
    },
  ) {
    const { factory, setup, options, isStoring } = subject;
    this.subject = subject;
    this.folder = folder;
    this.#backends = backends;
    this.#watch = watch;
    this.#settings = testSettings(factory.type);
    this.log = this.#settings.log;
    const { http, grpc } = backends;
    const environment = { folder, backendUrl: http.url, grpcEndpoint: grpc.endpoint };
    this.section = { ...setup.section(environment), ...options };
    this.#create = (own) =>
      this.run(() =>
        factory.create(
          {
            ...this.#settings.settings,
            ...(isStoring === true ? { storage: this.storage } : {}),
            ...own,
          },
          this.section,
        ),
      );
    this.#sockets.activate();
    this.component = this.#create({ sockets: this.#sockets });
    this.run(() => this.#connect());
  }

  /** Lets another instance take the place of the component, as a reload does, and shuts the first one down. */
  async replace(): Promise<void> {
    const old = this.component;
    const sockets = this.#pool.ownedBy("contract");
    this.#sockets.setReplaceable(true);
    const sharesStorage = this.subject.isStoring === true;
    const heir = this.#create({ sockets, replaces: { sharesStorage } });
    this.component = heir;
    this.run(() => this.#connect());
    await this.start();
    this.run(() => heir.state?.takeOver(old.state?.handOver()));
    sockets.activate();
    this.component = old;
    await this.shutdown();
    this.component = heir;
    this.#sockets = sockets;
  }

  /** The `host:port` that the component has logged. */
  get endpoint(): string {
    const line = this.log.find(({ fields }) => fields?.["endpoint"] !== undefined);
    if (line === undefined) {
      throw new Error("It has not logged its address in a field `endpoint`.");
    }
    return String(line.fields?.["endpoint"]);
  }

  /** Every `host:port` that the component and its predecessors have logged. */
  get endpoints(): readonly string[] {
    return this.log.flatMap(({ fields }) =>
      fields?.["endpoint"] === undefined ? [] : [String(fields["endpoint"])],
    );
  }

  /** How many requests the backends have received. */
  get backendRequests(): number {
    return this.#backends.http.requests.length + this.#backends.grpc.requests.length;
  }

  /** Ends the backends, with all of their connections. */
  closeBackends(): Promise<void> {
    return closeAll(this.#backends);
  }

  /** The consumer behind the component. */
  next(place: "receiver" | "processor", signal: Signal): FakeNext {
    const key = `${place} ${signal}`;
    const next = this.#nexts.get(key) ?? new FakeNext();
    this.#nexts.set(key, next);
    return next;
  }

  async start(): Promise<void> {
    await this.within(
      "The start",
      this.run(() => this.component.start()),
    );
  }

  /** Without an argument the deadline never passes. Time passes meanwhile: an exporter may wait before it tries again. */
  async shutdown(deadline: AbortSignal = noDeadline()): Promise<void> {
    let isOver = false;
    const ended = this.run(() => this.component.shutdown(deadline)).finally(() => {
      isOver = true;
    });
    const timePasses = async () => {
      while (!isOver) {
        await this.advance(100);
      }
    };
    try {
      await this.within("The shutdown", Promise.race([ended, timePasses().then(() => ended)]));
    } finally {
      isOver = true;
    }
  }

  /** Calls the component's `consume` directly, so it may throw. */
  consume(place: "processor" | "exporter", payload: Payload): Promise<ConsumeResult> {
    const consumer = this.#consumers.get(`${place} ${payload.signal}`);
    if (consumer === undefined) {
      throw new Error(`It has no consumer for ${payload.signal} as ${place}.`);
    }
    return this.run(() => consumer.consume(payload));
  }

  /** Advances the component's clock and lets the consequences settle. */
  async advance(ms: number): Promise<void> {
    this.run(() => this.#settings.clock.advance(ms));
    await settle();
  }

  /** From now on the consumers, the backend, the source and the storage never answer. */
  hangEverything(): void {
    this.#backends.http.silence();
    this.#backends.grpc.answer = () => "wait";
    this.source.behavior = "hangs";
    this.storage.behavior = "hangs";
    for (const next of this.#nexts.values()) {
      next.behavior = "hangs";
    }
  }

  /** Everything the component has done to its environment so far, including resources already closed. */
  effects(): readonly string[] {
    return [
      ...this.#watch.created,
      ...this.#remains(),
      ...readdirSync(this.folder).map((name) => `the file ${name}`),
      ...this.#settings.statuses.map(({ status }) => `the reported status ${status}`),
      ...(this.storage.opened > 0 ? ["the opening of its journal"] : []),
    ];
  }

  /** What the component has left in the process, after waiting for it to close. */
  async leftovers(): Promise<readonly string[]> {
    await this.#watch.closed();
    // A file is closed only when its last operation ends, of which a slow disk may take long.
    await until(() => this.#remains().length === 0, {
      what: "Closing",
      patienceMs: graceMs,
    }).catch(() => {});
    return [...this.#watch.open, ...this.#remains()];
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    await until(condition, { what, patienceMs: this.subject.patienceMs });
  }

  /** Resolves to the promise's value; rejects if that takes too long. */
  within<T>(what: string, promise: Promise<T>): Promise<T> {
    return within(promise, { what, patienceMs: this.subject.patienceMs });
  }

  /** Runs code of the component, so that the resources it opens are recorded. */
  run<T>(call: () => T): T {
    return this.#watch.run(call);
  }

  #connect(): void {
    const { receiver, processor, exporter } = this.component;
    const { roles } = this.subject.factory;
    for (const signal of roles.receiver ?? []) {
      receiver?.connect(signal, this.next("receiver", signal));
    }
    for (const signal of roles.processor ?? []) {
      const consumer = processor?.wrap(signal, this.next("processor", signal));
      this.#add(`processor ${signal}`, consumer);
    }
    for (const signal of roles.exporter ?? []) {
      this.#add(`exporter ${signal}`, exporter?.consumer?.(signal));
    }
    exporter?.attach?.(this.source);
  }

  #add(key: string, consumer: Consumer | undefined): void {
    if (consumer !== undefined) {
      this.#consumers.set(key, consumer);
    }
  }

  #remains(): readonly string[] {
    const { pendingTimers } = this.#settings.clock;
    return [
      ...changesSince(this.#before),
      ...(pendingTimers === 0 ? [] : [`${pendingTimers} timers of its clock`]),
    ];
  }
}

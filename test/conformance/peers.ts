import assert from "node:assert/strict";
import type { Signal } from "../../src/otlp/payload.ts";
import { type MetricsPage, scrape } from "../support/metrics-page.ts";
import { runCli } from "../support/process.ts";
import {
  accepted,
  type Backends,
  openBackend,
  type Reply,
  type SeenRequest,
  type Stage,
  type Story,
} from "./backend.ts";
import {
  type ClientSetup,
  type CollectorUnderTest,
  exporterId,
  type LatePorts,
  type ServerSetup,
  startCollectorUnderTest,
} from "./collector.ts";
import { encodeMessage, fromProtobuf, type Message, requestTypes } from "./messages.ts";
import { type Outcome, readOutcome, writeOutcome } from "./outcome.ts";
import { oneItem } from "./telemetry.ts";
import { pathOf, type Transport } from "./transport.ts";
import { requestWith, sendHttp, sendHttp2, type WireAnswer, type WireRequest } from "./wire.ts";

/** A wrong server: it stands between the check and the collector and may change whatever passes. */
export type ServerMutant = (context: {
  readonly transport: Transport;
  readonly request: WireRequest;
  /** Sends to the collector. */
  readonly forward: (request: WireRequest, setup?: ServerSetup) => Promise<WireAnswer>;
}) => Promise<WireAnswer>;

/** A wrong client: it stands between the exporter and the checking backend, or is an exporter with another config. */
export interface ClientMutant {
  readonly stage?: (request: SeenRequest, forward: Stage) => Promise<Reply>;
  readonly setup?: ClientSetup;
  readonly shutdownTimeout?: string;
  /** Its config as the program prints it. */
  readonly prints?: (config: string) => string;
}

/** What a run needs: one collector and its backends, for all runs. */
export interface Bench {
  readonly collector: CollectorUnderTest;
  readonly backends: Backends;
  readonly latePorts: LatePorts;
}

let stories = 0;

/** How a story answers; `index` counts its requests from 0. */
type Script = (request: SeenRequest, index: number) => Reply | Promise<Reply>;

abstract class Peer {
  readonly transport: Transport;
  protected readonly bench: Bench;
  readonly #stories: Story[] = [];
  readonly #held: (() => void)[] = [];

  constructor(bench: Bench, transport: Transport) {
    this.bench = bench;
    this.transport = transport;
  }

  /** A story whose requests are answered as `script` says; at first with success. */
  protected open(
    script: Script,
    mutate: (request: SeenRequest, forward: Stage) => Promise<Reply>,
  ): Story {
    stories += 1;
    const requests: SeenRequest[] = [];
    const keep: Stage = async (request) => {
      requests.push(request);
      return script(request, requests.length - 1);
    };
    const story: Story = {
      mark: `story-${stories}-`,
      requests,
      stage: (request) => mutate(request, keep),
    };
    this.bench.backends.add(story);
    this.#stories.push(story);
    return story;
  }

  /** A promise that resolves at the latest when the run ends. */
  held<T>(promise: Promise<T>, atTheEnd: T): Promise<T> {
    return Promise.race([
      promise,
      new Promise<T>((resolve) => this.#held.push(() => resolve(atTheEnd))),
    ]);
  }

  metrics(): Promise<MetricsPage> {
    return scrape(this.bench.collector.process.endpoints.telemetry);
  }

  /** Requests without a mark that have reached the backends so far. */
  get unmarked(): number {
    return this.bench.backends.unmarked.length;
  }

  end(): void {
    for (const release of this.#held) {
      release();
    }
    for (const story of this.#stories) {
      this.bench.backends.remove(story);
    }
  }
}

/** The collector as a server, as a check sees it: directly, or through a mutant. */
export class ServerPeer extends Peer {
  readonly #mutant: ServerMutant | undefined;

  constructor(bench: Bench, transport: Transport, mutant?: ServerMutant) {
    super(bench, transport);
    this.#mutant = mutant;
  }

  /** Data with a mark of its own, and what of it reaches the backend behind the collector. */
  story(script: Script = accepted): Story {
    return this.open(script, (request, forward) => forward(request));
  }

  /** A request as this transport carries it. */
  request(
    signal: Signal,
    message: Message,
    options: { readonly isGzipped?: boolean } = {},
  ): WireRequest {
    const bytes = encodeMessage(this.transport, requestTypes[signal], message);
    return requestWith(this.transport, pathOf(this.transport, signal), bytes, options);
  }

  /** Sends a request over a real socket. */
  exchange(request: WireRequest, setup: ServerSetup = "defaults"): Promise<WireAnswer> {
    const { collector } = this.bench;
    const forward = (changed: WireRequest, otherSetup = setup) => {
      if (changed.method === configMethod) {
        return printedConfig();
      }
      return this.transport === "grpc"
        ? sendHttp2(collector.serverReceiver(otherSetup, "grpc"), changed)
        : sendHttp(collector.serverReceiver(otherSetup, "http"), changed);
    };
    return this.#mutant === undefined
      ? forward(request)
      : this.#mutant({ transport: this.transport, request, forward });
  }

  /** Sends a request and reads the answer strictly. */
  async send(signal: Signal, request: WireRequest, setup?: ServerSetup): Promise<Outcome> {
    return readOutcome(this.transport, signal, await this.exchange(request, setup));
  }

  /** Sends one item with the mark of a story. */
  async sendItem(
    signal: Signal,
    { mark }: Story,
    options: { readonly isGzipped?: boolean; readonly setup?: ServerSetup } = {},
  ): Promise<Outcome> {
    const { setup, ...how } = options;
    return this.send(signal, this.request(signal, oneItem(signal, mark), how), setup);
  }

  /** The config of a receiver for which nothing is set, as the program prints it. */
  async defaultConfig(): Promise<string> {
    const answer = await this.exchange({ method: configMethod, path: "", headers: {}, body: none });
    return Buffer.from(answer.body).toString();
  }

  /** The requests of a story at the backend, decoded. */
  forwarded({ requests }: Story): readonly Message[] {
    return requests.map(({ signal, message }) => fromProtobuf(requestTypes[signal], message));
  }
}

/** An exporter of the collector as a client, as a checking backend sees it: directly, or through a mutant. */
export class ClientPeer extends Peer {
  readonly #mutant: ClientMutant;

  constructor(bench: Bench, transport: Transport, mutant: ClientMutant = {}) {
    super(bench, transport);
    this.#mutant = mutant;
  }

  /** Data with a mark of its own, and what of it the exporter sends. */
  story(script: Script = accepted): Story {
    return this.open(
      script,
      this.#mutant.stage === undefined
        ? (request, forward) => forward(request)
        : (request, forward) => this.#mutant.stage!(request, forward),
    );
  }

  /** An answer of a backend, for the script of a story. */
  reply(outcome: Outcome): Script {
    return ({ signal }) => writeOutcome(this.transport, signal, outcome);
  }

  /** Gives data to the exporter and resolves to the status that its sender gets: after the last attempt if there is no queue. */
  async deliver(
    story: Story,
    options: {
      readonly setup?: ClientSetup;
      readonly signal?: Signal;
      readonly message?: Message;
      readonly collector?: CollectorUnderTest;
    } = {},
  ): Promise<number> {
    const { signal = "traces", collector = this.bench.collector } = options;
    const message = options.message ?? oneItem(signal, story.mark);
    const bytes = encodeMessage("http/protobuf", requestTypes[signal], message);
    const answer = await sendHttp(
      collector.clientReceiver(this.setup(options.setup), this.transport),
      requestWith("http/protobuf", pathOf("http/protobuf", signal), bytes),
    );
    return answer.status;
  }

  /** The config of exporters for which nothing is set that need not be. */
  async defaultConfig(): Promise<string> {
    const config = await defaultConfig();
    return this.#mutant.prints?.(config) ?? config;
  }

  /** Another collector with this `service.shutdown_timeout`. The caller closes it. */
  collectorOfItsOwn(shutdownTimeout: string): Promise<CollectorUnderTest> {
    const { backends, latePorts } = this.bench;
    return startCollectorUnderTest(backends, latePorts, {
      shutdownTimeout: this.#mutant.shutdownTimeout ?? shutdownTimeout,
      only: "queued",
    });
  }

  setup(setup: ClientSetup = "plain"): ClientSetup {
    return this.#mutant.setup ?? setup;
  }

  exporterId(setup?: ClientSetup): string {
    return exporterId(this.setup(setup), this.transport);
  }

  /** The lines that an exporter has logged. */
  logLines(setup?: ClientSetup): readonly string[] {
    const id = `"otelcol.component.id": "${this.exporterId(setup)}"`;
    return this.bench.collector.process
      .stderr()
      .split("\n")
      .filter((line) => line.includes(id));
  }

  /** How much a counter of the exporter grows during `run`. */
  async growth(metric: string, run: () => Promise<unknown>, setup?: ClientSetup): Promise<number> {
    const labels = { exporter: this.exporterId(setup) };
    const before = (await this.metrics()).sum(metric, labels);
    await run();
    return (await this.metrics()).sum(metric, labels) - before;
  }

  /** Opens the backend of the late setups while `run` runs. */
  async whileListening(run: () => Promise<void>): Promise<void> {
    const protocol = this.transport === "grpc" ? "grpc" : "http";
    const { latePorts, backends } = this.bench;
    const backend = await openBackend(protocol, backends.take, latePorts[this.transport]);
    try {
      await run();
    } finally {
      await backend.close();
    }
  }
}

/** Not a method of HTTP: its "answer" is the config that the program prints, so that mutants can change it like any other answer. */
const configMethod = "print-config";
const none = new Uint8Array(0);

async function printedConfig(): Promise<WireAnswer> {
  return {
    status: 200,
    headers: {},
    body: Buffer.from(await defaultConfig()),
    trailers: {},
  };
}

let printed: Promise<string> | undefined;

/** What the program prints for a config with nothing but what must be there. It is asked once. */
function defaultConfig(): Promise<string> {
  const config = [
    "receivers: {otlp: {protocols: {http: , grpc: }}}",
    "exporters: {otlp_http: {endpoint: 'http://a:1'}, otlp_grpc: {endpoint: 'a:1'}}",
    "service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_http, otlp_grpc]}}}",
  ].join("\n");
  printed ??= runCli(["print-config", "--config", `yaml:${config}`]).then(({ stdout }) => stdout);
  return printed;
}

/** Resolves when `isReached`, which is asked every few milliseconds. Fails as an assertion after `timeoutMs`. */
export async function eventually(
  what: string,
  isReached: () => boolean | Promise<boolean>,
  timeoutMs = 5_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isReached())) {
    assert.ok(
      performance.now() < deadline,
      `It did not happen within ${timeoutMs} ms that ${what}.`,
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import bcrypt from "bcryptjs";
import { makeAuthority } from "../support/certificates.ts";
import { scrape } from "../support/metrics-page.ts";
import { Chance } from "../system/kill/chance.ts";
import { tallyOf } from "../system/kill/tally.ts";
import { type Backend, openGrpcBackend, openHttpBackend } from "./backends.ts";
import { type BadNetwork, openBadNetwork } from "./bad-network.ts";
import type { Contradiction } from "./contradiction.ts";
import { judgeTally } from "./counter-oracle.ts";
import { type DeliveryFigures, judgeDelivery } from "./delivery-oracle.ts";
import { sessionCanary } from "./dialects.ts";
import { judgeEvents } from "./event-oracle.ts";
import { type EvictionFigures, judgeClosings, judgeEvictions } from "./eviction-oracle.ts";
import { faults } from "./faults.ts";
import { Filler } from "./fillers.ts";
import { hostileBodies } from "./hostile.ts";
import { Ledger } from "./ledger.ts";
import { judgeLife } from "./manners-oracle.ts";
import { Observer, pageAt, statusOf } from "./observer.ts";
import { Agents, Background, type Books, deliver } from "./senders.ts";
import { Stack } from "./stack.ts";
import { judgeStates } from "./state-oracle.ts";
import {
  fileTransport,
  grpcTransport,
  httpTransport,
  newSecret,
  receiverName,
} from "./transports.ts";
import { Truth } from "./truth.ts";

/** What happened, in the order in which it did. */
export interface Happening {
  readonly atMs: number;
  readonly what: string;
}

export interface Outcome {
  readonly contradictions: readonly (Contradiction & { readonly atMs: number })[];
  readonly timeline: readonly Happening[];
  readonly faults: ReadonlyMap<string, number>;
  readonly answers: ReadonlyMap<string, number>;
  readonly evictions: EvictionFigures;
  readonly delivery: DeliveryFigures;
  readonly lives: number;
  readonly worstGoodAnswerMs: number;
  readonly peak: { readonly rssMiB: number; readonly files: number };
  readonly scrapes: number;
  readonly seconds: number;
}

const latenessMs = 5_000;
const settleMs = 120_000;
const patientTimeoutMs = 6_000;
const impatient = { mostAttempts: 2 };
const mostRssMiB = 700;
const secondMs = 1_000;
const clockJumpMs = -600_000;
const clockJumpEveryMs = 20_000;

/** Lets the whole stack live under all faults for so many seconds, heals it, and compares what it did with the truth. */
export async function liveThrough({
  seed,
  seconds,
}: {
  readonly seed: number;
  readonly seconds: number;
}): Promise<Outcome> {
  const world = new World(seed);
  try {
    await world.open();
    return await world.live(seconds);
  } finally {
    await world.close();
  }
}

class World {
  readonly #chance: Chance;
  readonly #directory = mkdtempSync(join(tmpdir(), "chaos-"));
  readonly #authority = makeAuthority("chaos authority");
  readonly #beganMs = performance.now();
  readonly #timeline: Happening[] = [];
  readonly #faults = new Map<string, number>();
  readonly #contradictions: (Contradiction & { readonly atMs: number })[] = [];
  readonly #networks: BadNetwork[] = [];
  readonly #agents: Agents[] = [];
  readonly #background: Background[] = [];
  readonly #closing: (() => void)[] = [];
  readonly #secrets: string[] = [];
  /** It has no bad network before it. */
  #direct: Background | undefined;
  #isOver = false;
  #foreign = 0;
  #stack: Stack | undefined;
  #http: Backend | undefined;
  #grpc: Backend | undefined;
  #books: Books | undefined;
  #token = newSecret();
  #password = newSecret();

  constructor(seed: number) {
    this.#chance = new Chance(seed);
  }

  async open(): Promise<void> {
    mkdirSync(join(this.#directory, "inbox"));
    this.#write("authority.crt", this.#authority.ca);
    this.#issueCertificate();
    this.#writeTokens([this.#token]);
    this.#writePasswords([this.#password]);
    const shared = { delivered: new Map(), refused: new Set<string>() };
    this.#http = await openHttpBackend(new Ledger(sessionCanary, shared));
    this.#grpc = await openGrpcBackend(
      new Ledger(sessionCanary, shared),
      this.#authority.issue(["127.0.0.1"]),
    );
    const stack = new Stack(this.#directory, {
      CHAOS_HTTP_BACKEND: this.#http.endpoint,
      CHAOS_GRPC_BACKEND: this.#grpc.endpoint,
    });
    this.#stack = stack;
    this.#books = {
      truth: new Truth({ latenessMs, aliveMs: stack.aliveMs }),
      items: new Map(),
      answers: new Map(),
      isOver: () => this.#isOver,
    };
    await stack.start();
    await this.#openSenders(stack, this.#books);
  }

  async live(seconds: number): Promise<Outcome> {
    const { stack, http, grpc, books } = this.#parts();
    const observer = new Observer(stack, (contradiction) => this.#report(contradiction));
    const before = tallyOf(await scrape(pageAt(stack.ports?.prometheus ?? 0)));
    const attacks = hostileBodies();
    observer.start();
    const sending = Promise.all([
      ...this.#agents.map((agents) => agents.run()),
      ...this.#background.map((background) => background.run(stack.aliveMs)),
    ]);
    const healed = new AbortController();
    const stage = {
      stack,
      backends: { http, grpc },
      networks: this.#networks,
      hostileBodies: attacks,
      sendBallast: (requests: number) => this.#sendBallast(requests),
      rotations: this.#rotations(),
      addForeign: (spans: number) => {
        this.#foreign += spans;
      },
      note: (kind: string, what: string) => this.#note(kind, what),
      report: (contradiction: Contradiction) => this.#report(contradiction),
    };
    const breaking = Promise.all(
      Object.entries(faults).map(([, fault]) => fault(stage, this.#chance.fork(), healed.signal)),
    );
    await Promise.race([pause(seconds * secondMs), breaking, sending]);
    healed.abort();
    await breaking;
    this.#say("all faults are healed");
    for (const sender of [...this.#agents, ...this.#background]) {
      sender.stop();
    }
    await sending;
    this.#say("all senders are done");
    const verdict = await this.#settle(before);
    await this.#judgeHealthy(stack);
    await stack.stop();
    await observer.stop();
    for (const life of stack.lives) {
      const { exitCode = null, signal = null } = life.end ?? {};
      for (const found of judgeLife({ exitCode, signal, asked: life.asked, stderr: life.stderr }, [
        sessionCanary,
        ...this.#secrets,
      ])) {
        this.#report(found);
      }
    }
    for (const { ledger } of [http, grpc]) {
      for (const leak of new Set(ledger.leaks)) {
        this.#report({ about: "leak", what: `a session id is in ${leak}` });
      }
      for (const signal of new Set(ledger.consumed)) {
        this.#report({
          about: "delivery",
          what: `a backend was sent a signal for the collector: ${signal}`,
        });
      }
    }
    if (observer.peak.rssMiB > mostRssMiB) {
      this.#report({ about: "resources", what: `the process took ${observer.peak.rssMiB} MiB` });
    }
    return {
      contradictions: this.#contradictions,
      timeline: this.#timeline,
      faults: this.#faults,
      answers: books.answers,
      evictions: verdict.evictions,
      delivery: verdict.delivery,
      lives: stack.lives.length,
      worstGoodAnswerMs: Math.round(this.#direct?.worstMs ?? 0),
      peak: observer.peak,
      scrapes: observer.scrapes,
      seconds: Math.round((performance.now() - this.#beganMs) / secondMs),
    };
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.#stack?.kill().catch(() => {});
    for (const close of this.#closing) {
      close();
    }
    await Promise.all(this.#networks.map((network) => network.close()));
    await this.#http?.close();
    await this.#grpc?.close();
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Waits until everything has fallen due and been delivered, and reports what is wrong then. */
  async #settle(before: ReturnType<typeof tallyOf>) {
    const { http, grpc } = this.#parts();
    const deadlineMs = performance.now() + settleMs;
    for (;;) {
      // As long as nothing at all arrives, silence means nothing.
      await Promise.all(this.#agents.map((agents) => agents.beat()));
      const judgement = await this.#judge(before);
      if (judgement.contradictions.length === 0 || performance.now() > deadlineMs) {
        for (const contradiction of judgement.contradictions) {
          this.#report(contradiction);
        }
        const refused = http.ledger.refusedEvents.size + grpc.ledger.refusedEvents.size;
        this.#say(`settled; ${refused} events were refused by a backend`);
        return judgement;
      }
      await pause(500);
    }
  }

  async #judge(before: ReturnType<typeof tallyOf>) {
    const { stack, http, grpc, books } = this.#parts();
    const page = await scrape(pageAt(stack.ports?.prometheus ?? 0));
    const evictions = judgeEvictions(books.truth, [
      ...http.ledger.named("session.activity.evicted"),
      ...grpc.ledger.named("session.activity.evicted"),
    ]);
    const delivery = judgeDelivery(books.items, http.ledger.delivered, http.ledger.refused);
    return {
      evictions: evictions.figures,
      delivery: delivery.figures,
      contradictions: [
        ...evictions.contradictions,
        ...judgeClosings(books.truth, http.ledger.closed),
        ...delivery.contradictions,
        ...judgeTally(books.truth, page, { before, foreign: this.#foreign }),
        ...judgeEvents([http.ledger, grpc.ledger], page, evictions.figures),
        ...judgeStates(books.truth, page),
      ],
    };
  }

  async #judgeHealthy(stack: Stack): Promise<void> {
    for (const path of ["/", "/ready"]) {
      const { status, text } = await statusOf(stack.ports?.health ?? 0, path);
      if (status !== 200) {
        this.#report({
          about: "health",
          what: `${path} answers ${status} when all is well: ${text}`,
        });
      }
    }
  }

  async #openSenders(stack: Stack, books: Books): Promise<void> {
    const chance = () => this.#chance.fork();
    const through = async (port: () => number | undefined) => {
      const network = await openBadNetwork(port);
      this.#networks.push(network);
      return () => network.port;
    };
    const http = await Promise.all([0, 1, 2, 3, 4].map(() => through(() => stack.ports?.http)));
    const password = await through(() => stack.ports?.passwordHttp);
    const guarded = await through(() => stack.ports?.guardedGrpc);
    const timeoutMs = patientTimeoutMs;
    const overHttp = (
      at: number,
      encoding: "protobuf" | "json",
      more: { readonly gzip?: boolean; readonly timeoutMs?: number } = {},
    ) => httpTransport({ port: http[at] ?? (() => undefined), encoding, timeoutMs, ...more });
    const overGrpc = () =>
      grpcTransport({
        port: guarded,
        authority: this.#authority.ca,
        token: () => this.#token,
        timeoutMs,
      });
    const withPassword = httpTransport({
      port: password,
      encoding: "protobuf",
      gzip: true,
      authorization: () => `Basic ${Buffer.from(`sender:${this.#password}`).toString("base64")}`,
      timeoutMs,
    });
    const jumping = (atMs: number) =>
      Math.floor(atMs / clockJumpEveryMs) % 2 === 0 ? 0 : clockJumpMs;
    const agents = (options: Omit<ConstructorParameters<typeof Agents>[0], "books" | "chance">) => {
      this.#agents.push(new Agents({ ...options, books, chance: chance() }));
      this.#closing.push(() => options.transport.close());
    };
    agents({
      name: "live",
      dialect: "live_span",
      transport: overHttp(0, "protobuf"),
      mostInFlight: 3,
    });
    agents({
      name: "live-grpc",
      dialect: "live_span",
      transport: overGrpc(),
      mostInFlight: 3,
      skewMs: () => 10_800_000,
    });
    agents({
      name: "relay",
      dialect: "relay",
      transport: overHttp(1, "protobuf"),
      mostInFlight: 1,
    });
    agents({
      name: "datadog",
      dialect: "datadog_partial",
      transport: overHttp(1, "protobuf", { gzip: true }),
      mostInFlight: 1,
    });
    agents({
      name: "logfire",
      dialect: "logfire_pending",
      transport: overHttp(2, "json"),
      mostInFlight: 2,
    });
    agents({
      name: "partial-log",
      dialect: "partial_log",
      transport: withPassword,
      mostInFlight: 2,
      skewMs: jumping,
    });
    agents({
      name: "span-state",
      dialect: "span_state_log",
      transport: overHttp(2, "json", { gzip: true }),
      mostInFlight: 1,
    });
    agents({ name: "finished", dialect: "span", transport: overGrpc(), mostInFlight: 3 });
    agents({
      name: "impatient",
      dialect: "live_span",
      transport: overHttp(3, "protobuf", { timeoutMs: 1_000 }),
      mostInFlight: 3,
      patience: impatient,
      skewMs: jumping,
    });
    const background = (
      name: string,
      everyMs: number,
      transport: ReturnType<typeof httpTransport>,
    ) => {
      const own = chance();
      const filler = new Filler(name, own);
      const by = { sender: name, transport, books, chance: own };
      const sending = new Background(() => filler.next(), everyMs, by);
      this.#background.push(sending);
      this.#closing.push(() => transport.close());
      return sending;
    };
    background("shop", 150, overHttp(4, "json", { gzip: true }));
    background("shop-grpc", 250, overGrpc());
    this.#direct = background(
      "direct",
      200,
      httpTransport({ port: () => stack.ports?.http, encoding: "protobuf", timeoutMs }),
    );
    let lines = 0;
    background(
      "files",
      300,
      // A new file now and then, as a sender that rotates its own.
      fileTransport(() =>
        join(this.#directory, "inbox", `spans-${Math.floor(lines++ / 50)}.jsonl`),
      ),
    );
  }

  async #sendBallast(requests: number): Promise<void> {
    const { stack, books } = this.#parts();
    const chance = this.#chance.fork();
    const transport = httpTransport({
      port: () => stack.ports?.http,
      encoding: "protobuf",
      timeoutMs: 10_000,
    });
    const filler = new Filler("ballast", chance);
    let left = requests;
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        while (left > 0) {
          left--;
          const bytes = filler.of("traces", 700_000);
          const by = { sender: "ballast", transport, books, chance };
          await deliver({ signal: "traces", bytes, steps: [] }, by);
        }
      }),
    );
    transport.close();
  }

  #rotations(): readonly (() => Promise<void>)[] {
    return [
      async () => {
        const next = newSecret();
        this.#writeTokens([this.#token, next]);
        await pause(3_000);
        this.#token = next;
        await pause(500);
        this.#writeTokens([next]);
      },
      async () => {
        const next = newSecret();
        this.#password = next;
        this.#writePasswords([next]);
        await pause(3_000);
      },
      async () => {
        this.#issueCertificate();
        await pause(1_500);
      },
    ];
  }

  #issueCertificate(): void {
    const { cert, key } = this.#authority.issue([receiverName]);
    this.#write("receiver.key", key);
    this.#write("receiver.crt", cert);
  }

  #writeTokens(tokens: readonly string[]): void {
    this.#secrets.push(...tokens);
    this.#write("tokens", `${tokens.join("\n")}\n`);
  }

  #writePasswords(passwords: readonly string[]): void {
    this.#secrets.push(...passwords);
    const [password = ""] = passwords;
    this.#write("htpasswd", `sender:${bcrypt.hashSync(password, 4)}\n`);
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.#directory, name), text, { mode: 0o600 });
  }

  #note(kind: string, what: string): void {
    this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + 1);
    if (kind !== "hostile request" && kind !== "sender vanishes") {
      this.#say(what === "" ? kind : `${kind}: ${what}`);
    }
  }

  #say(what: string): void {
    this.#timeline.push({ atMs: performance.now() - this.#beganMs, what });
  }

  #report(contradiction: Contradiction): void {
    this.#contradictions.push({ ...contradiction, atMs: performance.now() - this.#beganMs });
    this.#say(`CONTRADICTION: ${contradiction.what.slice(0, 300)}`);
  }

  #parts() {
    const stack = this.#stack;
    const http = this.#http;
    const grpc = this.#grpc;
    const books = this.#books;
    if (stack === undefined || http === undefined || grpc === undefined || books === undefined) {
      throw new Error("The world is not open.");
    }
    return { stack, http, grpc, books };
  }
}

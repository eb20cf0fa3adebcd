import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { scrape } from "../support/metrics-page.ts";
import { Chance } from "../system/kill/chance.ts";
import { tallyOf } from "../system/kill/tally.ts";
import { type Backend, openGrpcBackend, openHttpBackend } from "./backends.ts";
import { type BadNetwork, openBadNetwork } from "./bad-network.ts";
import { castOf, portsWanted } from "./cast.ts";
import type { Contradiction } from "./contradiction.ts";
import { judgeTally } from "./counter-oracle.ts";
import { type Damage, damageFile, damages } from "./damage.ts";
import { type DeliveryFigures, judgeDelivery } from "./delivery-oracle.ts";
import { secretCanary, sessionCanary } from "./dialect.ts";
import { judgeEvents, uidsOf } from "./event-oracle.ts";
import { type EvictionFigures, judgeClosings, judgeEvictions } from "./eviction-oracle.ts";
import { deckOf, faults, limitFiles } from "./faults.ts";
import { Filler } from "./fillers.ts";
import { judgeHealed } from "./health-oracle.ts";
import { hostileBodies } from "./hostile.ts";
import type { Contents } from "./items.ts";
import { Ledger } from "./ledger.ts";
import { judgeLife } from "./manners-oracle.ts";
import { Observer, pageAt, statusOf } from "./observer.ts";
import { hmacKey } from "./redacted.ts";
import { Secrets } from "./secrets.ts";
import { type Agents, type Books, deliver } from "./senders.ts";
import { Stack } from "./stack.ts";
import { judgeStates } from "./state-oracle.ts";
import { httpTransport } from "./transports.ts";
import { Truth } from "./truth.ts";

/** What happened, in the order in which it did. */
export interface Happening {
  readonly atMs: number;
  readonly what: string;
}

export interface Outcome {
  readonly contradictions: readonly (Contradiction & { readonly atMs: number })[];
  /** Where the logs of all lives are kept when something is wrong; else empty. */
  readonly logs: string;
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

const latenessMs = 8_000;
const settleMs = 120_000;
const mostRssMiB = 700;
/** Of 1000 connections that a listener may have, floods have 300. */
const mostFiles = 800;
/** A longer test has rounds of about this length, and a damage between them. */
const roundSeconds = 240;
const diskFullAtKill = "kill -9 while the disk is full" as const;
const canaries = [sessionCanary, secretCanary];
const secondMs = 1_000;

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
  } catch (error) {
    throw new Error(`The test has failed. The logs of the collector are in ${world.keepLogs()}.`, {
      cause: error,
    });
  } finally {
    await world.close();
  }
}

function sumsOf(a: EvictionFigures, b: EvictionFigures): EvictionFigures {
  return {
    right: a.right + b.right,
    missed: a.missed + b.missed,
    wrong: a.wrong + b.wrong,
    late: a.late + b.late,
    undecided: a.undecided + b.undecided,
    // They are those of all events that ever came.
    repeats: b.repeats,
  };
}

/** Files at these paths, or below them, that contain one of the texts. */
function filesWith(texts: readonly string[], paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    if (!existsSync(path)) {
      return [];
    }
    if (statSync(path).isDirectory()) {
      return filesWith(
        texts,
        readdirSync(path).map((name) => join(path, name)),
      );
    }
    const content = readFileSync(path);
    return texts.some((text) => content.includes(text)) ? [path] : [];
  });
}

class World {
  readonly #chance: Chance;
  readonly #directory = mkdtempSync(join(tmpdir(), "chaos-"));
  readonly #beganMs = performance.now();
  readonly #timeline: Happening[] = [];
  readonly #faults = new Map<string, number>();
  /** Whether the storage was damaged, so that its end may be missing. */
  #wasDamaged = false;
  readonly #contradictions: (Contradiction & { readonly atMs: number })[] = [];
  readonly #networks: BadNetwork[] = [];
  readonly #hostileBodies = hostileBodies();
  /** Those whose runs are open. */
  #agents: readonly Agents[] = [];
  readonly #closing: (() => void)[] = [];
  #worstGoodAnswerMs = 0;
  #isOver = false;
  #foreign = 0;
  /** They are passed on where they can't be read. */
  readonly #foreignSignals = new Set<string>();
  /** Events that a backend lacks because the disk was full when the collector was killed. */
  readonly #lostEvents = new Set<string>();
  /** When each event came to a backend for the first time. */
  readonly #seenMs = new Map<string, number>();
  #stack: Stack | undefined;
  #http: Backend | undefined;
  #grpc: Backend | undefined;
  #books: Books | undefined;
  #secrets: Secrets | undefined;

  constructor(seed: number) {
    this.#chance = new Chance(seed);
  }

  async open(): Promise<void> {
    mkdirSync(join(this.#directory, "inbox"));
    this.#secrets = new Secrets(this.#directory);
    const shared = { delivered: new Map(), refused: new Set<string>(), seenMs: this.#seenMs };
    this.#http = await openHttpBackend(new Ledger(canaries, shared));
    this.#grpc = await openGrpcBackend(
      new Ledger(canaries, shared),
      this.#secrets.authority.issue(["127.0.0.1"]),
    );
    const stack = new Stack(this.#directory, {
      CHAOS_HMAC_KEY: hmacKey,
      CHAOS_HTTP_BACKEND: this.#http.endpoint,
      CHAOS_GRPC_BACKEND: this.#grpc.endpoint,
    });
    this.#stack = stack;
    this.#books = {
      truth: new Truth({
        latenessMs,
        aliveMs: stack.aliveMs,
        mostAliveMs: stack.mostAliveMs,
        beganMs: this.#beganMs,
        repeatsMs: () => this.#networks.flatMap((network) => network.repeatsMs),
      }),
      items: new Map(),
      answers: new Map(),
      isOver: () => this.#isOver,
    };
    await stack.start();
    for (const port of portsWanted(stack)) {
      this.#networks.push(await openBadNetwork(port));
    }
  }

  async live(seconds: number): Promise<Outcome> {
    const { stack, books } = this.#parts();
    const observer = new Observer(stack, (contradiction) => this.#report(contradiction));
    observer.start();
    const rounds = Math.max(1, Math.round(seconds / roundSeconds));
    const nextDamage = deckOf<Damage | typeof diskFullAtKill>(
      [...damages, diskFullAtKill],
      this.#chance.fork(),
    );
    let verdict = await this.#round(1, seconds / rounds);
    for (let round = 2; round <= rounds && this.#contradictions.length === 0; round++) {
      await this.#damage(nextDamage(), observer);
      const next = await this.#round(round, seconds / rounds);
      verdict = {
        evictions: sumsOf(verdict.evictions, next.evictions),
        delivery: next.delivery,
      };
    }
    await this.#judgeHealthy(stack);
    await stack.stop();
    await observer.stop();
    this.#judgeManners(observer);
    const logs = this.#contradictions.length === 0 ? "" : this.keepLogs();
    return {
      contradictions: this.#contradictions,
      logs,
      timeline: this.#timeline,
      faults: this.#faults,
      answers: books.answers,
      ...verdict,
      lives: stack.lives.length,
      worstGoodAnswerMs: Math.round(this.#worstGoodAnswerMs),
      peak: observer.peak,
      scrapes: observer.scrapes,
      seconds: Math.round((performance.now() - this.#beganMs) / secondMs),
    };
  }

  /** Everything breaks for so many seconds, is healed, and compared with the truth. */
  async #round(round: number, seconds: number) {
    const { stack, http, grpc, books, secrets } = this.#parts();
    const before = tallyOf(await scrape(pageAt(stack.ports?.prometheus ?? 0)));
    const { agents, background, direct, close } = castOf({
      round,
      stack,
      books,
      secrets,
      networks: this.#networks,
      directory: this.#directory,
      chance: this.#chance,
    });
    this.#agents = agents;
    this.#closing.push(close);
    this.#say(`round ${round} begins`);
    const sending = Promise.all([
      ...agents.map((each) => each.run()),
      ...background.map((each) => each.run(stack.aliveMs)),
    ]);
    const healed = new AbortController();
    const stage = {
      stack,
      backends: { http, grpc },
      networks: this.#networks,
      hostileBodies: this.#hostileBodies,
      sendBallast: (requests: number) => this.#sendBallast(requests),
      rotations: secrets.rotations,
      addForeign: ({ items, consumed }: Contents) => {
        this.#foreign += items.length;
        for (const { id, digest } of items) {
          books.items.set(id, { digest, sender: "hostile", isAnswered: false, isForeign: true });
        }
        for (const signal of consumed) {
          this.#foreignSignals.add(signal);
        }
      },
      note: (kind: string, what: string) => this.#note(kind, what),
      report: (contradiction: Contradiction) => this.#report(contradiction),
    };
    const breaking = Promise.all(
      Object.values(faults).map((fault) => fault(stage, this.#chance.fork(), healed.signal)),
    );
    await Promise.race([pause(seconds * secondMs), breaking, sending]);
    healed.abort();
    await breaking;
    this.#say("all faults are healed");
    for (const sender of [...agents, ...background]) {
      sender.stop();
    }
    await sending;
    this.#worstGoodAnswerMs = Math.max(this.#worstGoodAnswerMs, direct.worstMs);
    this.#say("all senders are done");
    return this.#settle(before);
  }

  /** Something is lost that the documentation says may be lost: what was reported until now is forgiven, but the collector goes on. */
  async #damage(damage: Damage | typeof diskFullAtKill, observer: Observer): Promise<void> {
    const { stack, http, grpc, books } = this.#parts();
    if (damage === diskFullAtKill) {
      const { pid } = stack;
      this.#note(damage, "");
      await http.become("down");
      limitFiles(pid ?? 0, "4096");
      const known = new Set(books.items.keys());
      const before = uidsOf(grpc.ledger);
      await this.#sendBallast(10);
      for (const [id, item] of books.items) {
        item.isAnswered &&= known.has(id);
      }
      await stack.kill();
      // What waited for the backend that is down was not stored.
      for (const uid of uidsOf(grpc.ledger)) {
        if (!before.has(uid)) {
          this.#lostEvents.add(uid);
        }
      }
      await http.become("up");
    } else {
      await (this.#chance.is(0.5) ? stack.stop() : stack.kill());
      const done = damageFile(join(this.#directory, "state"), damage, this.#chance);
      this.#note("storage damaged", done ?? `${damage}: there is no such file`);
    }
    this.#wasDamaged = true;
    books.truth.forgive();
    await stack.start();
    observer.forget();
  }

  /** Writes what the collector has said in all its lives. Returns where. */
  keepLogs(): string {
    const folder = mkdtempSync(join(tmpdir(), "chaos-logs-"));
    const { stack } = this.#parts();
    for (const [at, { startedMs, stderr }] of stack.lives.entries()) {
      const second = Math.round((startedMs - this.#beganMs) / secondMs);
      const text = stderr === "" ? stack.lastWords : stderr;
      writeFileSync(join(folder, `life-${at + 1}-from-${second}s.log`), text);
    }
    return folder;
  }

  #judgeManners(observer: Observer): void {
    const { stack, http, grpc, secrets } = this.#parts();
    for (const life of stack.lives) {
      const { exitCode = null, signal = null } = life.end ?? {};
      const words = { exitCode, signal, asked: life.asked, stderr: life.stderr };
      for (const found of judgeLife(words, [...canaries, ...secrets.all, hmacKey])) {
        this.#report(found);
      }
    }
    for (const { ledger } of [http, grpc]) {
      for (const leak of ledger.leaks) {
        this.#report({ about: "leak", what: `a backend was sent ${leak}` });
      }
      for (const signal of new Set(ledger.consumed)) {
        if (this.#foreignSignals.has(signal)) {
          continue;
        }
        this.#report({
          about: "delivery",
          what: `a backend was sent a signal for the collector: ${signal}`,
        });
      }
    }
    for (const path of filesWith(canaries, [
      join(this.#directory, "state"),
      join(this.#directory, "events.jsonl"),
    ])) {
      this.#report({ about: "leak", what: `an id or a secret of a sender is in the file ${path}` });
    }
    if (observer.peak.rssMiB > mostRssMiB) {
      this.#report({ about: "resources", what: `the process took ${observer.peak.rssMiB} MiB` });
    }
    if (observer.peak.files > mostFiles) {
      this.#report({
        about: "resources",
        what: `the process had ${observer.peak.files} files open`,
      });
    }
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
        const { evictions, delivery } = judgement;
        return { evictions, delivery };
      }
      await pause(500);
    }
  }

  async #judge(before: ReturnType<typeof tallyOf>) {
    const { stack, http, grpc, books } = this.#parts();
    const page = await scrape(pageAt(stack.ports?.prometheus ?? 0));
    const evictions = judgeEvictions(
      books.truth,
      [http, grpc].flatMap(({ ledger }) => ledger.named("session.activity.evicted")),
      this.#seenMs,
    );
    const delivery = judgeDelivery(
      books.items,
      http.ledger.delivered,
      http.ledger.refused,
      this.#beganMs,
    );
    return {
      evictions: evictions.figures,
      delivery: delivery.figures,
      contradictions: [
        ...evictions.contradictions,
        ...judgeClosings(books.truth, http.ledger.closed),
        ...delivery.contradictions,
        ...judgeTally(books.truth, page, { before, foreign: this.#foreign }),
        ...judgeEvents([http.ledger, grpc.ledger], page, {
          late: evictions.figures.late,
          lost: this.#lostEvents,
          isDamaged: books.truth.hasPast,
        }),
        ...judgeStates(books.truth, page),
      ],
    };
  }

  async #judgeHealthy(stack: Stack): Promise<void> {
    for (const path of ["/", "/ready"]) {
      const { status, text } = await statusOf(stack.ports?.health ?? 0, path);
      const wasDamaged = this.#wasDamaged;
      for (const contradiction of judgeHealed({ path, status, text, wasDamaged })) {
        this.#report(contradiction);
      }
    }
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
    const secrets = this.#secrets;
    if (
      stack === undefined ||
      http === undefined ||
      grpc === undefined ||
      books === undefined ||
      secrets === undefined
    ) {
      throw new Error("The world is not open.");
    }
    return { stack, http, grpc, books, secrets };
  }
}

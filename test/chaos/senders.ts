import { setTimeout as pause } from "node:timers/promises";
import type { Signal } from "../../src/otlp/payload.ts";
import type { Chance } from "../system/kill/chance.ts";
import { Gateway } from "../system/kill/gateway.ts";
import {
  anyScript,
  openTurn,
  type Script,
  silentTool,
  stragglingTurn,
  waitingTurn,
} from "../system/kill/scripts.ts";
import type { Step, Work } from "../system/kill/work.ts";
import type { SentItem } from "./delivery-oracle.ts";
import type { DialectName, Encode } from "./dialect.ts";
import { createDialect } from "./dialects.ts";
import { contentsOf } from "./items.ts";
import { redacted } from "./redacted.ts";
import type { Attempt, Transport } from "./transports.ts";
import type { Truth } from "./truth.ts";

/** What senders share: what they know, and how they count. */
export interface Books {
  readonly truth: Truth;
  readonly items: Map<string, SentItem>;
  /** How often each answer was given. */
  readonly answers: Map<Attempt, number>;
  /** Whether senders give up: something has failed, or the test is over. */
  readonly isOver: () => boolean;
}

/** What is sent: a request of any signal, with the steps of a script that it tells. */
export interface Letter {
  readonly signal: Signal;
  readonly bytes: Uint8Array;
  readonly steps: readonly Step[];
}

export interface Patience {
  /** How often a request is sent at the most. */
  readonly mostAttempts: number;
}

const patient: Patience = { mostAttempts: Number.POSITIVE_INFINITY };
/** Turns with a tool that ends this long after them: well within the lateness. */
const straggleShare = 0.2;
const straggleMs = { from: 1_000, to: 4_000 };
const backOffMs = { from: 40, to: 250 };

/** Sends a request again and again; resolves to whether it was accepted in the end. */
export async function deliver(
  { signal, bytes, steps }: Letter,
  by: {
    readonly sender: string;
    readonly transport: Transport;
    readonly books: Books;
    readonly chance: Chance;
    readonly patience?: Patience;
  },
): Promise<boolean> {
  const { truth, items, answers, isOver } = by.books;
  const { mostAttempts } = by.patience ?? patient;
  const contents = contentsOf(signal, bytes, redacted).items;
  for (const { id, digest } of contents) {
    if (!items.has(id)) {
      items.set(id, { digest, sender: by.sender, isAnswered: false });
    }
  }
  for (let attempt = 0; attempt < mostAttempts && !isOver(); attempt++) {
    truth.sent(steps, performance.now());
    const answer = await by.transport.send(signal, bytes);
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
    if (answer === "accepted") {
      truth.answered(steps, performance.now());
      for (const { id } of contents) {
        const item = items.get(id);
        if (item !== undefined) {
          item.isAnswered = true;
          item.answeredMs ??= performance.now();
        }
      }
      return true;
    }
    await pause(backOffMs.from + by.chance.below(backOffMs.to - backOffMs.from));
  }
  return false;
}

export interface AgentOptions {
  readonly name: string;
  readonly dialect: DialectName;
  readonly transport: Transport;
  readonly books: Books;
  readonly chance: Chance;
  readonly mostInFlight: number;
  readonly patience?: Patience;
  /** How wrong its clock is. */
  readonly skewMs?: (atMs: number) => number;
}

/** A gateway of agents that reports its work in one dialect. */
export class Agents {
  readonly name: string;
  readonly #encode: Encode;
  readonly #gateway: Gateway;
  readonly #send: (letter: Letter) => Promise<boolean>;

  constructor({
    name,
    dialect,
    transport,
    books,
    chance,
    mostInFlight,
    patience,
    skewMs = () => 0,
  }: AgentOptions) {
    this.name = name;
    this.#encode = createDialect(dialect, { sender: name, skewMs });
    this.#send = (request) =>
      deliver(request, {
        sender: name,
        transport,
        books,
        chance,
        ...(patience === undefined ? {} : { patience }),
      });
    const first = firstScripts(dialect, chance, name, patience);
    this.#gateway = new Gateway(
      chance,
      async (request) => {
        const isTaken = await this.#send(request);
        if (!isTaken && books.isOver()) {
          await new Promise(() => {}); // The test has failed, and nobody listens any more.
        }
      },
      () => {
        const script = first.pop() ?? nextScript(dialect, chance, name);
        books.truth.begin(script, { sender: name, dialect });
        return script;
      },
      {
        mostSessions: 3,
        mostInFlight,
        mostSteps: 6,
        pauseMs: { from: 40, to: 220 },
        encode: this.#encode,
      },
    );
  }

  /** Resolves when all that was begun before `stop` is sent and answered. */
  run(): Promise<void> {
    return this.#gateway.run();
  }

  stop(): void {
    this.#gateway.stop();
  }

  /** Says of runs that stay open that they are open still. */
  async beat(): Promise<void> {
    const steps = this.#gateway.staying.map((work: Work) => ({
      type: "heartbeat" as const,
      work,
    }));
    const requests = steps.length === 0 ? [] : this.#encode(steps, Date.now());
    await Promise.all(requests.map((request) => this.#send({ ...request, steps: [] })));
  }
}

/** Where a repeat neither ends the silence nor changes the lease, something may stay open for good. */
function firstScripts(
  dialect: DialectName,
  chance: Chance,
  name: string,
  patience: Patience | undefined,
): Script[] {
  if (patience !== undefined) {
    return [];
  }
  switch (dialect) {
    case "live_span":
    case "span_state_log":
    case "partial_log":
      return [openTurn(chance, name), silentTool(chance, name), waitingTurn(chance, name)];
    case "relay":
      return [openTurn(chance, name), waitingTurn(chance, name)];
    default:
      return [];
  }
}

function nextScript(dialect: DialectName, chance: Chance, name: string): Script {
  if (dialect !== "span" && chance.is(straggleShare)) {
    return stragglingTurn(chance, name, straggleMs);
  }
  for (;;) {
    const script = anyScript(chance, name);
    const isFinished = script.every((step) => "work" in step && step.work.fate === "ends");
    if (dialect !== "span" || isFinished) {
      return script;
    }
  }
}

/** Sends something that is no work of agents, at a pace of its own. */
export class Background {
  readonly #next: () => { readonly signal: Signal; readonly bytes: Uint8Array };
  readonly #by: Parameters<typeof deliver>[1];
  readonly #everyMs: number;
  #stops = false;
  /** How long an accepted request took, at the longest, and when. */
  worstMs = 0;
  requests = 0;

  constructor(
    next: () => { readonly signal: Signal; readonly bytes: Uint8Array },
    everyMs: number,
    by: Parameters<typeof deliver>[1],
  ) {
    this.#next = next;
    this.#everyMs = everyMs;
    this.#by = by;
  }

  stop(): void {
    this.#stops = true;
  }

  async run(aliveMs?: (fromMs: number, toMs: number) => number): Promise<void> {
    while (!this.#stops) {
      const fromMs = performance.now();
      const isTaken = await deliver({ ...this.#next(), steps: [] }, this.#by);
      const toMs = performance.now();
      if (isTaken) {
        this.requests++;
        this.worstMs = Math.max(this.worstMs, aliveMs?.(fromMs, toMs) ?? toMs - fromMs);
      }
      await pause(this.#everyMs);
    }
  }
}

import { execFileSync } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { scrape } from "../support/metrics-page.ts";
import type { Chance } from "../system/kill/chance.ts";
import { type Backend, moods } from "./backends.ts";
import { type BadNetwork, troubles } from "./bad-network.ts";
import type { Contradiction } from "./contradiction.ts";
import { attack, documentedStatuses, flood, garbage, type HostileBody, vanish } from "./hostile.ts";
import type { Contents } from "./items.ts";
import { pageAt } from "./observer.ts";
import { brokenVariants, type Stack, variants } from "./stack.ts";

/** What the faults act on. */
export interface Stage {
  readonly stack: Stack;
  readonly backends: Readonly<Record<"http" | "grpc", Backend>>;
  readonly networks: readonly BadNetwork[];
  readonly hostileBodies: readonly HostileBody[];
  /** Sends large requests of a good sender until they are accepted. */
  readonly sendBallast: (requests: number) => Promise<void>;
  /** Exchanges a secret or certificate as an operator does; resolves when the old one is gone. */
  readonly rotations: readonly (() => Promise<void>)[];
  /** What a hostile request holds may be counted and passed on, though no sender of ours has sent it. */
  readonly addForeign: (contents: Contents) => void;
  /** Counts a fault, with the moment and what it was. */
  readonly note: (kind: string, what: string) => void;
  readonly report: (contradiction: Contradiction) => void;
}

/** Whatever goes wrong goes wrong by itself, side by side with all else, until `signal` aborts; then it is healed. */
export type Fault = (stage: Stage, chance: Chance, signal: AbortSignal) => Promise<void>;

/** All faults; each gets a chance of its own. */
export const faults: Readonly<Record<string, Fault>> = {
  operator,
  "backend over HTTP": (stage, chance, signal) =>
    moodyBackend("http", stage.backends.http, { stage, chance, signal }),
  "backend over gRPC": (stage, chance, signal) =>
    moodyBackend("gRPC", stage.backends.grpc, { stage, chance, signal }),
  networks: async (stage, chance, signal) => {
    await Promise.all(
      stage.networks.map((network) =>
        badNetwork(network, { stage, chance: chance.fork(), signal }),
      ),
    );
  },
  disk,
  hostile,
  vanishing: (stage, chance, signal) =>
    repeat(signal, chance, { from: 300, to: 2_000 }, async () => {
      const port = stage.stack.ports?.http;
      if (port !== undefined) {
        stage.note("sender vanishes", "");
        await vanish(port, chance);
      }
    }),
  flood: (stage, chance, signal) =>
    repeat(signal, chance, { from: 8_000, to: 20_000 }, async () => {
      const { ports } = stage.stack;
      const port = chance.is(0.5) ? ports?.http : ports?.guardedGrpc;
      if (port !== undefined) {
        const says = chance.pick(["nothing", "half a head", "half a body"] as const);
        stage.note("connection flood", says);
        await flood(port, { connections: 300, forMs: 1_000 + chance.below(3_000), says });
      }
    }),
  scrapes: (stage, chance, signal) =>
    repeat(signal, chance, { from: 5_000, to: 15_000 }, async () => {
      const { ports } = stage.stack;
      if (ports !== undefined) {
        stage.note("scrape storm", "");
        const pages = [ports.prometheus, ports.telemetry].map(pageAt);
        await Promise.all(
          Array.from({ length: 60 }, (_, at) => scrape(pages[at % 2] ?? "").catch(() => {})),
        );
      }
    }),
  memory: (stage, chance, signal) =>
    repeat(signal, chance, { from: 10_000, to: 30_000 }, async () => {
      stage.note("memory pressure", "");
      await stage.sendBallast(20 + chance.below(60));
    }),
  rotation: (stage, chance, signal) =>
    repeat(signal, chance, { from: 4_000, to: 12_000 }, async () => {
      stage.note("secret rotated", "");
      await chance.pick(stage.rotations)();
    }),
};

/** Values in random order, each as often as the others, so that a short run has all of them. */
export function deckOf<T>(values: readonly T[], chance: Chance): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) {
      left = [...values];
    }
    const [next] = left.splice(chance.below(left.length), 1);
    return next as T;
  };
}

/** Does something again and again until the end, and finishes what it has begun. */
async function repeat(
  signal: AbortSignal,
  chance: Chance,
  gapMs: { readonly from: number; readonly to: number },
  act: () => Promise<void>,
): Promise<void> {
  for (;;) {
    await waitFor(gapMs.from + chance.below(gapMs.to - gapMs.from), signal);
    if (signal.aborted) {
      return;
    }
    await act();
  }
}

/** Ends early when the faults are over. */
async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => {});
}

/** Kills, stops, stalls and reloads the collector: one at a time. */
async function operator(stage: Stage, chance: Chance, signal: AbortSignal): Promise<void> {
  const { stack, note } = stage;
  const nextVariant = deckOf(variants, chance);
  const nextBroken = deckOf(brokenVariants, chance);
  const next = deckOf(
    ["kill", "kill", "kill in the start", "stop", "reload", "reload", "broken config", "stall"],
    chance,
  ) as () => "kill" | "kill in the start" | "stop" | "reload" | "broken config" | "stall";
  await repeat(signal, chance, { from: 1_000, to: 5_000 }, async () => {
    if (await stack.crashed()) {
      await stack.start();
      return;
    }
    const what = next();
    switch (what) {
      case "kill":
      case "kill in the start":
        await withRoom(stage, signal, async () => {
          note("kill -9", "");
          await stack.kill();
          if (what === "kill in the start") {
            await pause(chance.below(500));
            note("kill -9", "in the start");
            await stack.startAndKill(chance.next());
          }
          stack.restoreConfig();
          await pause(chance.below(1_500));
          await stack.start();
        });
        return;
      case "stop":
        await withRoom(stage, signal, async () => {
          note("SIGTERM", "");
          await stack.stop();
          stack.restoreConfig();
          await pause(chance.below(1_500));
          await stack.start();
        });
        return;
      case "reload": {
        const variant = nextVariant();
        note("reload", variant);
        await reload(stage, variant);
        return;
      }
      case "broken config": {
        const variant = nextBroken();
        note("reload of a broken config", variant);
        await reload(stage, variant);
        stack.restoreConfig();
        return;
      }
      case "stall": {
        const forMs = 300 + chance.below(4_000);
        note("SIGSTOP", `${forMs} ms`);
        await stack.stall(forMs);
        return;
      }
      default: {
        const never: never = what;
        return never;
      }
    }
  });
}

async function reload({ stack, report }: Stage, variant: string): Promise<void> {
  if (!(await stack.reload(variant)) && !(await stack.crashed())) {
    report({ about: "process", what: `a reload came to no end: ${variant}` });
  }
}

async function moodyBackend(
  name: string,
  backend: Backend,
  {
    stage,
    chance,
    signal,
  }: {
    readonly stage: Stage;
    readonly chance: Chance;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const next = deckOf(
    moods.filter((each) => each !== "up"),
    chance,
  );
  await repeat(signal, chance, { from: 1_000, to: 6_000 }, async () => {
    const mood = next();
    stage.note(`backend ${mood}`, name);
    await backend.become(mood);
    await waitFor(500 + chance.below(5_000), signal);
    await backend.become("up");
  });
}

async function badNetwork(
  network: BadNetwork,
  {
    stage,
    chance,
    signal,
  }: {
    readonly stage: Stage;
    readonly chance: Chance;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const next = deckOf(
    troubles.filter((each) => each !== "none"),
    chance,
  );
  await repeat(signal, chance, { from: 2_000, to: 12_000 }, async () => {
    const trouble = next();
    stage.note(`network: ${trouble.replaceAll("_", " ")}`, "");
    network.trouble = trouble;
    await waitFor(300 + chance.below(chance.is(0.1) ? 9_000 : 3_000), signal);
    network.trouble = "none";
  });
}

/** Every write fails that makes a file longer than a few KiB, as on a full disk. */
async function disk(stage: Stage, chance: Chance, signal: AbortSignal): Promise<void> {
  await repeat(signal, chance, { from: 10_000, to: 40_000 }, async () => {
    const { pid, life } = stage.stack;
    if (pid === undefined) {
      return;
    }
    await alone(stage.stack, async () => {
      if (stage.stack.life === life && limitFiles(pid, "4096")) {
        stage.note("disk full", "");
        await waitFor(1_000 + chance.below(7_000), signal);
        limitFiles(pid, "unlimited");
      }
    });
  });
}

/** What of each stack is under way that must have it alone: a full disk, or the end of the process. */
const turns = new WeakMap<Stack, Promise<void>>();

function alone(stack: Stack, act: () => Promise<void>): Promise<void> {
  const turn = (turns.get(stack) ?? Promise.resolve()).then(act);
  turns.set(
    stack,
    turn.catch(() => {}),
  );
  return turn;
}

/**
 * Ends the process when the disk has room and everything is stored again. An end before loses what was accepted meanwhile, which the
 * documentation says: so there would be nothing to expect of it.
 */
function withRoom(stage: Stage, signal: AbortSignal, act: () => Promise<void>): Promise<void> {
  return alone(stage.stack, async () => {
    await isStored(stage, signal);
    await act();
  });
}

async function isStored({ stack }: Stage, signal: AbortSignal): Promise<void> {
  for (;;) {
    const port = stack.ports?.telemetry;
    const page = port === undefined ? undefined : await scrape(pageAt(port)).catch(() => undefined);
    if (
      page?.sum("otelcol_file_storage_degraded") === 0 ||
      (page === undefined && signal.aborted)
    ) {
      return;
    }
    await pause(100);
  }
}

export function limitFiles(pid: number, bytes: string): boolean {
  try {
    execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:unlimited`], {
      stdio: "ignore",
    });
    return true;
  } catch {
    return false; // The process is gone.
  }
}

const mostAttacks = 4;

/** Attacks do not wait for each other, as the answer to one of them may take long. */
async function hostile(stage: Stage, chance: Chance, signal: AbortSignal): Promise<void> {
  const underWay = new Set<Promise<void>>();
  await repeat(signal, chance, { from: 200, to: 1_200 }, async () => {
    const { ports, life } = stage.stack;
    const { hostileBodies } = stage;
    if (ports === undefined) {
      return;
    }
    const body =
      hostileBodies.length > 0 && chance.is(0.3) ? chance.pick(hostileBodies) : garbage(chance);
    stage.note("hostile request", body.name);
    const port = chance.is(0.8) ? ports.http : chance.pick([ports.passwordHttp, ports.guardedGrpc]);
    stage.addForeign(body.contents);
    const attacking = attack(port, body).then((status) => {
      const isKnown = status === undefined || documentedStatuses.some((each) => each === status);
      if (!isKnown && stage.stack.life === life) {
        const what = `${body.name} on ${body.path} was answered ${status}`;
        stage.report({ about: "answer", what });
      }
      underWay.delete(attacking);
    });
    underWay.add(attacking);
    if (underWay.size >= mostAttacks) {
      await Promise.race(underWay);
    }
  });
  await Promise.all(underWay);
}

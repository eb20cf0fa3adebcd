import { join } from "node:path";
import type { Chance } from "../system/kill/chance.ts";
import type { BadNetwork } from "./bad-network.ts";
import { Filler } from "./fillers.ts";
import type { Secrets } from "./secrets.ts";
import { Agents, Background, type Books } from "./senders.ts";
import type { Stack } from "./stack.ts";
import { fileTransport, grpcTransport, httpTransport } from "./transports.ts";

interface Cast {
  readonly round: number;
  readonly stack: Stack;
  readonly books: Books;
  readonly secrets: Secrets;
  /** Those of `portsWanted`, in its order. */
  readonly networks: readonly BadNetwork[];
  readonly directory: string;
  readonly chance: Chance;
}

/** Networks of senders over HTTP; senders share them. */
const httpNetworks = 5;
const patientTimeoutMs = 3_000;
const impatient = { mostAttempts: 2 };
const clockJumpMs = -600_000;
const clockJumpEveryMs = 20_000;

/** The ports before each of which the cast wants a network. */
export function portsWanted(stack: Stack): readonly (() => number | undefined)[] {
  return [
    ...Array.from({ length: httpNetworks }, () => () => stack.ports?.http),
    () => stack.ports?.passwordHttp,
    () => stack.ports?.guardedGrpc,
  ];
}

/** Senders that begin a life of their own: they differ from those of another round by their names. */
export function castOf({
  round,
  stack,
  books,
  secrets,
  networks,
  directory,
  chance: source,
}: Cast): {
  readonly agents: readonly Agents[];
  readonly background: readonly Background[];
  /** It has no bad network before it. */
  readonly direct: Background;
  readonly close: () => void;
} {
  const closing: (() => void)[] = [];
  const chance = () => source.fork();
  const portOf = (at: number) => () => networks[at]?.port;
  const agents: Agents[] = [];
  const background: Background[] = [];
  const timeoutMs = patientTimeoutMs;
  const overHttp = (
    at: number,
    encoding: "protobuf" | "json",
    more: { readonly gzip?: boolean; readonly timeoutMs?: number } = {},
  ) => httpTransport({ port: portOf(at), encoding, timeoutMs, ...more });
  const overGrpc = () =>
    grpcTransport({
      port: portOf(httpNetworks + 1),
      authority: secrets.authority.ca,
      token: () => secrets.token,
      timeoutMs,
    });
  const withPassword = httpTransport({
    port: portOf(httpNetworks),
    encoding: "protobuf",
    gzip: true,
    authorization: () => `Basic ${Buffer.from(`sender:${secrets.password}`).toString("base64")}`,
    timeoutMs,
  });
  const jumping = (atMs: number) =>
    Math.floor(atMs / clockJumpEveryMs) % 2 === 0 ? 0 : clockJumpMs;
  const add = (options: Omit<ConstructorParameters<typeof Agents>[0], "books" | "chance">) => {
    const name = `${options.name}-${round}`;
    agents.push(new Agents({ ...options, name, books, chance: chance() }));
    closing.push(() => options.transport.close());
  };
  add({
    name: "live",
    dialect: "live_span",
    transport: overHttp(0, "protobuf"),
    mostInFlight: 3,
  });
  add({
    name: "live-grpc",
    dialect: "live_span",
    transport: overGrpc(),
    mostInFlight: 3,
    skewMs: () => 10_800_000,
  });
  add({
    name: "relay",
    dialect: "relay",
    transport: overHttp(1, "protobuf"),
    mostInFlight: 1,
  });
  add({
    name: "datadog",
    dialect: "datadog_partial",
    transport: overHttp(1, "protobuf", { gzip: true }),
    mostInFlight: 1,
  });
  add({
    name: "logfire",
    dialect: "logfire_pending",
    transport: overHttp(2, "json"),
    mostInFlight: 2,
  });
  add({
    name: "partial-log",
    dialect: "partial_log",
    transport: withPassword,
    mostInFlight: 2,
    skewMs: jumping,
  });
  add({
    name: "span-state",
    dialect: "span_state_log",
    transport: overHttp(2, "json", { gzip: true }),
    mostInFlight: 1,
  });
  add({ name: "finished", dialect: "span", transport: overGrpc(), mostInFlight: 3 });
  add({
    name: "impatient",
    dialect: "live_span",
    transport: overHttp(3, "protobuf", { timeoutMs: 1_000 }),
    mostInFlight: 3,
    patience: impatient,
    skewMs: jumping,
  });
  const fill = (kind: string, everyMs: number, transport: ReturnType<typeof httpTransport>) => {
    const name = `${kind}-${round}`;
    const own = chance();
    const filler = new Filler(name, own);
    const by = { sender: name, transport, books, chance: own };
    const sending = new Background(() => filler.next(), everyMs, by);
    background.push(sending);
    closing.push(() => transport.close());
    return sending;
  };
  fill("shop", 150, overHttp(4, "json", { gzip: true }));
  fill("shop-grpc", 250, overGrpc());
  const direct = fill(
    "direct",
    200,
    httpTransport({ port: () => stack.ports?.http, encoding: "protobuf", timeoutMs }),
  );
  let lines = 0;
  fill(
    "files",
    300,
    // A new file now and then, as a sender that rotates its own.
    fileTransport(() => join(directory, "inbox", `${round}-${Math.floor(lines++ / 50)}.jsonl`)),
  );
  const close = () => {
    for (const each of closing) {
      each();
    }
  };
  return { agents, background, direct, close };
}

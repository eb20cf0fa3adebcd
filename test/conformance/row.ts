import type { ClientMutant, ClientPeer, ServerMutant, ServerPeer } from "./peers.ts";
import type { Transport } from "./transport.ts";

/** The key words of RFC 2119; "states" for sentences without one that say what a peer does. */
export type Level =
  | "MUST"
  | "MUST NOT"
  | "SHOULD"
  | "SHOULD NOT"
  | "MAY"
  | "RECOMMENDED"
  | "states";

interface Sentence {
  /** Unique; part of the title of its tests. */
  readonly id: string;
  readonly level: Level;
  /** The sentence, word by word. */
  readonly quote: string;
  /** What we do, where that is a choice or not what the sentence asks for. */
  readonly note?: string;
  /** What the OpenTelemetry Collector does, where it does not do what the sentence says. */
  readonly collector?: string;
}

interface Checked<Peer, Mutant> extends Sentence {
  readonly transports: readonly Transport[];
  /** Whether we do something else than the sentence says. `note` says what, and the check shows it. */
  readonly deviates?: true;
  /** Resolves if the peer does what the sentence says, or what the note says. */
  readonly check: (peer: Peer) => Promise<void>;
  /** Wrong peers, by what they do wrong. The check fails for each of them. */
  readonly mutants: Readonly<Record<string, Mutant>>;
}

export interface ServerRow extends Checked<ServerPeer, ServerMutant> {
  readonly role: "server";
}

export interface ClientRow extends Checked<ClientPeer, ClientMutant> {
  readonly role: "client";
}

/** A sentence that cannot be checked, or that does not apply to a collector. */
export interface ListedRow extends Sentence {
  readonly role: "server" | "client" | "other";
  readonly untested: string;
}

/** A sentence of the specification. */
export type Row = ServerRow | ClientRow | ListedRow;

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** The rows of a section. `transports` are those of its sentences. */
export function sectionOf(title: string, ...rows: readonly Row[]): Section {
  return { title, rows };
}

export function server(row: Omit<ServerRow, "role">): ServerRow {
  return { role: "server", ...row };
}

export function client(row: Omit<ClientRow, "role">): ClientRow {
  return { role: "client", ...row };
}

export function listed(row: ListedRow): ListedRow {
  return row;
}

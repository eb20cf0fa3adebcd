import type { Signal } from "../../src/otlp/payload.ts";
import { epochUnixMs, errorMs } from "./sender-clock.ts";
import type {
  GatewayClaim,
  GatewayProcess,
  Pause,
  SessionEnd,
  SessionState,
  Work,
} from "./story.ts";

/** How a gateway tells of its work. */
export type Mode = "relay" | "live" | "partial_logs" | "plain";

/** One thing that a process says. `atMs` is when, by the world's clock; `seq` counts what it says. */
export type SenderSignal =
  | {
      readonly what: "start" | "beat" | "end" | "progress";
      readonly work: Work;
      readonly atMs: number;
      readonly seq: number;
    }
  | {
      readonly what: "pause" | "resume";
      readonly pause: Pause;
      readonly atMs: number;
      readonly seq: number;
    }
  | {
      readonly what: "state";
      readonly state: SessionState;
      readonly atMs: number;
      readonly seq: number;
    }
  | {
      readonly what: "claim";
      readonly claim: GatewayClaim;
      readonly atMs: number;
      readonly seq: number;
    }
  | {
      readonly what: "session_end";
      readonly over: SessionEnd;
      readonly atMs: number;
      readonly seq: number;
    }
  | { readonly what: "alive" | "gone" | "unwatched"; readonly atMs: number };

/** An OTLP request. */
export interface Request {
  readonly signal: Signal;
  readonly bytes: Uint8Array;
  readonly items: number;
}

/** The ways out of a process: each is an exporter of its own, with a queue of its own. */
export const channels = ["starts", "ends", "logs", "life"] as const;
export type Channel = (typeof channels)[number];

/** A way of telling: what is said of what, and what that looks like on the wire. */
export interface Dialect {
  /** Where a thing is said; nowhere when this dialect has no word for it. */
  channelsOf(signal: SenderSignal, process: GatewayProcess): readonly Channel[];
  encode(
    signals: readonly SenderSignal[],
    process: GatewayProcess,
    channel: Channel,
  ): readonly Request[];
  /** How often every open span is told of again; 0 for never. */
  readonly beatMs: number;
  /** How often a process says that it lives; 0 for never. */
  aliveMs(process: GatewayProcess): number;
  /** Whether what is open is told again when the collector was away. */
  readonly resendsOpenWork: boolean;
  /** Whether spans of orphans that their gateway closes are told of. */
  readonly reportsClosedOrphans: boolean;
}

/** A time as the sender's clock has it, in Unix ms. */
export function sentMs(atMs: number, process: GatewayProcess): number {
  return Math.max(0, epochUnixMs + atMs + process.skewMs + errorMs(process.clock, atMs));
}

/** Whether the silence of a process says something: it, or each of its spans, promises heartbeats. */
export function promisesBeats(mode: Mode, { beatMs, isFork }: GatewayProcess): boolean {
  return mode === "relay" || mode === "partial_logs" || (beatMs > 0 && !isFork);
}

/** Half of the processes name the session on their runs; of the others only the tree of spans is known. */
export function namesSessions(mode: Mode, process: GatewayProcess): boolean {
  return mode === "relay" || mode === "partial_logs" || process.index % 2 === 0;
}

/** Some frameworks name the session on every span, others on runs only. */
export function namesSessionsAlways(process: GatewayProcess): boolean {
  return process.index % 4 === 0;
}

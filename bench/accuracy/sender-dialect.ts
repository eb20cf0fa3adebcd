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

/** How a gateway reports its work. */
export type Mode = "relay" | "live" | "partial_logs" | "plain";

/** A signal of a process. `atMs` is its time by the world's clock; `seq` counts the signals of the process. */
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

/** How a sender reports: which signals it sends, and their form on the wire. */
export interface Dialect {
  /** The channels on which a signal is sent; none if this dialect does not have it. */
  channelsOf(signal: SenderSignal, process: GatewayProcess): readonly Channel[];
  encode(
    signals: readonly SenderSignal[],
    process: GatewayProcess,
    channel: Channel,
  ): readonly Request[];
  /** The interval at which every open span is reported again; 0 for never. */
  readonly beatMs: number;
  /** The interval at which a process sends heartbeats; 0 for never. */
  aliveMs(process: GatewayProcess): number;
  /** Whether open work is reported again after the collector was away. */
  readonly resendsOpenWork: boolean;
  /** Whether spans of orphans are reported when their gateway closes them. */
  readonly reportsClosedOrphans: boolean;
}

/** A time as the sender's clock has it, in Unix ms. */
export function sentMs(atMs: number, process: GatewayProcess): number {
  return Math.max(0, epochUnixMs + atMs + process.skewMs + errorMs(process.clock, atMs));
}

/** Whether the silence of a process is evidence: it, or each of its spans, promises heartbeats. */
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

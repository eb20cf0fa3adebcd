import { z } from "zod";
import { storedLimits } from "../model/limits.ts";

/**
 * What a record of the journal is; its first byte. A snapshot is a header, names, the state in pieces and
 * its end; what follows it is what happened since.
 */
export const recordTypes = {
  /** JSON, see `headerSchema`. Begins a snapshot, or an empty journal. */
  header: 1,
  /** JSON, see `namesSchema`: names that got a number. */
  names: 2,
  /** A piece of an archive of the machine. */
  state: 3,
  /** The archive is complete. JSON, see `stateEndSchema`. */
  stateEnd: 4,
  /** Signals that arrived, as version 2 wrote them. */
  signalsV2: 5,
  /** A number: time passed until then, and something was decided. */
  tick: 6,
  /** JSON, see `restartSchema`. */
  restart: 7,
  /** A number: the events of that many calls have been handed on. */
  delivered: 8,
  /** A number and bytes: events of that call, which have not been handed on. Part of a snapshot. */
  pending: 9,
  /** `SignalEncoder`: signals that arrived. */
  signals: 10,
  /** JSON, see `anchorSchema`: what the clocks say after the program itself was paused. */
  anchor: 11,
} as const;

/** Changes when older records cannot be read any more; also with what the machine saves, part by part. */
export const journalVersion = 3 as const;
/** Versions that can be read. */
const readableVersions = [1, 2, journalVersion] as const;

export const headerSchema = z.object({
  version: z.literal(readableVersions),
  /** Of the keyed hash of references, in hex. Without it no reference would be known again. */
  hashKey: z.string().regex(/^[0-9a-f]{16}$/),
  /** `service.instance.id` of what is derived: the same counters go on. */
  instanceId: z.string().min(1),
  /** Since when the counters count; where it is not told, since the journal was begun. */
  sinceUnixMs: z.number().optional(),
  /** Of the machine that is in the snapshot, or that began with nothing; where it is not told, as they are now. */
  limits: storedLimits.optional(),
  /** The machine's clock and Unix time at one moment. */
  atMs: z.number(),
  unixMs: z.number(),
});
export type Header = z.output<typeof headerSchema>;

const numbered = z.tuple([z.number(), z.string()]);
export const namesSchema = z.object({
  /** What stood before under a number is forgotten. */
  senders: z
    .array(z.object({ process: z.number(), place: z.number(), identity: z.array(z.string()) }))
    .default([]),
  toolNames: z.array(numbered).default([]),
  channelNames: z.array(numbered).default([]),
  /** Of versions 1 and 2: after those that were there before, from number 1 on. */
  processes: z.array(z.array(z.string())).default([]),
  tools: z.array(z.string()).default([]),
  channels: z.array(z.string()).default([]),
});
export type Names = z.output<typeof namesSchema>;

export const stateEndSchema = z.object({
  /** How many calls had events until then. */
  told: z.number(),
  evictions: z.array(z.unknown()),
});

export const restartSchema = z.object({
  atMs: z.number(),
  unixMs: z.number(),
  /** How long the machine's clock went on without the program; 0 since version 3, where it stands still. */
  downtimeMs: z.number(),
  graceMs: z.number(),
  /** How long the program was away while it stood still. */
  awayMs: z.number().default(0),
  /** Of the machine from here on; where it is not told, as before. */
  limits: storedLimits.optional(),
});
export type Restart = z.output<typeof restartSchema>;

export const anchorSchema = z.object({
  /** The machine's clock and Unix time at one moment. */
  atMs: z.number(),
  unixMs: z.number(),
  /** How long the program was paused, which did not pass for the machine. */
  awayMs: z.number(),
});
export type PausedAnchor = z.output<typeof anchorSchema>;

/** A record of JSON. */
export function jsonRecord(type: number, value: unknown): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(value));
  const record = new Uint8Array(1 + text.length);
  record[0] = type;
  record.set(text, 1);
  return record;
}

/** Throws when it is something else than the schema says. */
export function readJson<T>(record: Uint8Array, schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(new TextDecoder().decode(record.subarray(1))));
}

/** A record of one number, and bytes after it. */
export function numberRecord(
  type: number,
  value: number,
  bytes: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const record = new Uint8Array(9 + bytes.length);
  record[0] = type;
  new DataView(record.buffer).setFloat64(1, value, true);
  record.set(bytes, 9);
  return record;
}

export function readNumber(record: Uint8Array): number {
  return new DataView(record.buffer, record.byteOffset, record.byteLength).getFloat64(1, true);
}

import { z } from "zod";
import { storedLimits, toStoredLimits } from "../model/limits.ts";

/** The types of records: the first byte of each. Stored, see DESIGN.md. Numbers are never changed or used again. */
export const recordTypes = {
  /** JSON of `headerSchema`: begins a snapshot or a new journal. */
  header: 1,
  /** JSON of `namesSchema`: numbers that were given to names. */
  names: 2,
  /** Bytes of the engine's snapshot. */
  state: 3,
  /** JSON of `stateEndSchema`: the engine's snapshot is complete. */
  stateEnd: 4,
  /** A batch of signals as version 2 wrote it. */
  signalsV2: 5,
  /** A number: the engine decided something because its clock had advanced to it. */
  tick: 6,
  /** JSON of `restartSchema`: a program continued this journal. */
  restart: 7,
  /** A number: the events of all calls up to this one are delivered. */
  delivered: 8,
  /** A number and bytes: the events of this call as a request that is not delivered. Only in a snapshot. */
  pending: 9,
  /** A batch of signals, see `SignalEncoder`. */
  signals: 10,
  /** JSON of `anchorSchema`: the program was paused. */
  anchor: 11,
} as const;

/** The version that is written. It changes when the previous version cannot read a record or the state of a part. */
export const journalVersion = 5 as const;
/** The versions that can be read. */
const readableVersions = [1, 2, 3, 4, journalVersion] as const;

/** The random keys of what is stored, in hex. */
const keysSchema = z.object({
  /** Of the hash of session references and call ids. With another key none that is stored is recognized. */
  hashKey: z.string().regex(/^[0-9a-f]{32}$/),
  /** Of the references that events show, unless the config has a key. */
  refKey: z.string().regex(/^[0-9a-f]{64}$/),
  /** The key of versions before 4, and until when values that they hashed are recognized. */
  former: z
    .object({ hashKey: z.string().regex(/^[0-9a-f]{16}$/), untilUnixMs: z.number() })
    .optional(),
});
export type StoredKeys = z.output<typeof keysSchema>;

export const headerSchema = z.object({
  version: z.literal(readableVersions),
  /** Shorter in versions before 4. */
  hashKey: z.string().regex(/^(?:[0-9a-f]{16}){1,2}$/),
  /** Absent in versions before 4. */
  refKey: keysSchema.shape.refKey.optional(),
  former: keysSchema.shape.former,
  /** `service.instance.id` of derived data: counters continue under it. */
  instanceId: z.string().min(1),
  /** When the counters were 0. Absent: when the journal was created. */
  sinceUnixMs: z.number().optional(),
  /** Limits of the engine from here on. Absent: the configured ones. */
  limits: storedLimits.optional(),
  /** The engine's clock and Unix time at one moment. */
  atMs: z.number(),
  unixMs: z.number(),
});
export type Header = z.output<typeof headerSchema>;

/** Its number, the name, and whether it keeps its place when many names are made up. */
const numberedName = z.tuple([z.number(), z.string(), z.boolean().optional()]);
export const namesSchema = z.object({
  /** Each replaces the process that had its number before. */
  senders: z
    .array(z.object({ process: z.number(), place: z.number(), identity: z.array(z.string()) }))
    .default([]),
  /** Each replaces the name that had its number before. */
  toolNames: z.array(numberedName).default([]),
  channelNames: z.array(numberedName).default([]),
  /** Numbers of names that are not kept any more. */
  forgottenTools: z.array(z.number()).default([]),
  forgottenChannels: z.array(z.number()).default([]),
  /** Versions 1 and 2: numbered from 1 in the order of the journal. */
  processes: z.array(z.array(z.string())).default([]),
  tools: z.array(z.string()).default([]),
  channels: z.array(z.string()).default([]),
});
export type Names = z.output<typeof namesSchema>;

export const stateEndSchema = z.object({
  /** How many calls had events so far. The stored name is older than the word `emitted`. */
  told: z.number(),
  /** The log of evictions. */
  evictions: z.array(z.unknown()),
});

export const restartSchema = z.object({
  /** The engine's clock and Unix time at the restart. */
  atMs: z.number(),
  unixMs: z.number(),
  /** How long the engine's clock advanced without the program. 0 since version 3, which stops the clock. */
  downtimeMs: z.number(),
  graceMs: z.number(),
  /** How long the program was down while the engine's clock stood still. */
  awayMs: z.number().default(0),
  /** Records before this one were lost, so what was open is untracked from here on. */
  isIncomplete: z.boolean().default(false),
  /** Limits of the engine from here on. Absent: unchanged. */
  limits: storedLimits.optional(),
  /** Keys from here on. Only of the program that continued the journal of a version before 4. */
  keys: keysSchema.optional(),
});
export type Restart = z.output<typeof restartSchema>;

export const anchorSchema = z.object({
  /** The engine's clock and Unix time, after a pause or because the two had drifted apart. */
  atMs: z.number(),
  unixMs: z.number(),
  /** How long the program was paused while the engine's clock stood still; 0 without a pause. */
  awayMs: z.number(),
  /**
   * The engine's clock when it stood still. It is that of a call which may have decided nothing, so that it is in no other record. Absent
   * in journals of before.
   */
  pausedAtMs: z.number().optional(),
});
export type PauseAnchor = z.output<typeof anchorSchema>;

/** A record that contains `value` as JSON. */
export function jsonRecord(type: number, value: unknown): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(value));
  const record = new Uint8Array(1 + text.length);
  record[0] = type;
  record.set(text, 1);
  return record;
}

/** The record of a header or of a restart. */
export function recordWithLimits(
  ...[type, value]:
    | readonly [type: typeof recordTypes.header, value: Header]
    | readonly [type: typeof recordTypes.restart, value: Restart]
): Uint8Array {
  const { limits, ...others } = value;
  return jsonRecord(type, {
    ...others,
    ...(limits === undefined ? {} : { limits: toStoredLimits(limits) }),
  });
}

/** Reads the value of a `jsonRecord`. Throws if it does not match the schema. */
export function readJson<T>(record: Uint8Array, schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(new TextDecoder().decode(record.subarray(1))));
}

/** A record that contains a number, and bytes after it. */
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

/** Reads the number of a `numberRecord`. */
export function readNumber(record: Uint8Array): number {
  return new DataView(record.buffer, record.byteOffset, record.byteLength).getFloat64(1, true);
}

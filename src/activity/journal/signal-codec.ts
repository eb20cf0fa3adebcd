import { toDialect } from "../model/dialects.ts";
import {
  maxReferences,
  type SignalBatch,
  type SignalRow,
  signalTypes,
} from "../model/signal-batch.ts";
import { toWorkKind } from "../model/work.ts";
import type { Rows } from "./batch-parts.ts";
import { recordTypes } from "./journal-records.ts";

/** The mask of a row has a bit for each optional part that follows. Stored, see DESIGN.md. */
const parts = {
  sender: 1,
  trace: 2,
  parent: 4,
  end: 8,
  name: 16,
  channel: 32,
  reported: 64,
  interval: 128,
  seq: 256,
  sent: 512,
  key: 1024,
  references: 2048,
  nameHashes: 4096,
  shown: 8192,
  shape: 16_384,
} as const;

const types: readonly SignalRow["type"][] = Object.values(signalTypes);
/** A row with all optional parts but without references. */
const maxRowBytes = 128;

/**
 * Encodes a batch as one record, about 40 bytes a row: sender and trace are left out when the row before has the same ones, and
 * every other part when the row does not have it. DESIGN.md has the layout.
 *
 * Keeps one buffer, which is as long as the longest record so far and is used again for each.
 */
export class SignalEncoder {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** The record of the `rows` of a batch, or of all of it, that arrived at `nowMs`. Valid until the next call. */
  encode(batch: SignalBatch, nowMs: number, rows: Rows = { from: 0, to: batch.count }): Uint8Array {
    this.#bytes[0] = recordTypes.signals;
    this.#length = 1;
    this.#float(nowMs);
    this.#int(rows.to - rows.from);
    for (let row = rows.from; row < rows.to; row++) {
      this.#row(batch, row, row === rows.from);
    }
    return this.#bytes.subarray(0, this.#length);
  }

  #row(batch: SignalBatch, row: number, isFirst: boolean): void {
    const references = batch.referencesTo.get(row) - batch.referencesFrom.get(row);
    this.#ensure(maxRowBytes + maxReferences * 15);
    const mask = maskOf(batch, row, { references, isFirst });
    this.#short(batch.type.get(row) | (batch.dialect.get(row) << 8));
    this.#short(batch.kind.get(row) | (batch.flags.get(row) << 2));
    this.#short(mask);
    this.#int(batch.span0.get(row));
    this.#int(batch.span1.get(row));
    this.#float(batch.startMs.get(row));
    if ((mask & parts.sender) !== 0) {
      this.#int(batch.process.get(row));
      this.#int(batch.serviceHost.get(row));
    }
    if ((mask & parts.trace) !== 0) {
      this.#int(batch.trace0.get(row));
      this.#int(batch.trace1.get(row));
      this.#int(batch.trace2.get(row));
      this.#int(batch.trace3.get(row));
    }
    if ((mask & parts.parent) !== 0) {
      this.#int(batch.parent0.get(row));
      this.#int(batch.parent1.get(row));
    }
    if ((mask & parts.end) !== 0) {
      this.#float(batch.endMs.get(row));
    }
    if ((mask & parts.name) !== 0) {
      this.#int(batch.name.get(row));
    }
    if ((mask & parts.channel) !== 0) {
      this.#int(batch.channel.get(row));
    }
    if ((mask & parts.reported) !== 0) {
      this.#int(batch.reportedOpen.get(row));
      this.#int(batch.reportedCompleted.get(row));
    }
    if ((mask & parts.interval) !== 0) {
      this.#float(batch.intervalMs.get(row));
    }
    if ((mask & parts.seq) !== 0) {
      this.#int(batch.seq.get(row));
    }
    if ((mask & parts.sent) !== 0) {
      this.#float(batch.sentMs.get(row));
    }
    if ((mask & parts.key) !== 0) {
      this.#int(batch.key0.get(row));
      this.#int(batch.key1.get(row));
    }
    if ((mask & parts.nameHashes) !== 0) {
      this.#int(batch.scopeHash.get(row));
      this.#int(batch.nameHash.get(row));
    }
    if ((mask & parts.shape) !== 0) {
      this.#int(batch.shape0.get(row));
      this.#int(batch.shape1.get(row));
    }
    if (references > 0) {
      this.#bytes[this.#length++] = references;
      const from = batch.referencesFrom.get(row);
      for (let reference = from; reference < from + references; reference++) {
        this.#int(batch.referenceHi.get(reference));
        this.#int(batch.referenceLo.get(reference));
        if ((mask & parts.shown) !== 0) {
          const shown = batch.referenceShown.get(reference);
          this.#bytes[this.#length++] = batch.referenceRank.get(reference);
          this.#short(Math.floor(shown / 2 ** 32));
          this.#int((shown % 2 ** 32) | 0);
        }
      }
    }
  }

  #short(value: number): void {
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
  }

  #int(value: number): void {
    this.#view.setInt32(this.#length, value, true);
    this.#length += 4;
  }

  #float(value: number): void {
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  #ensure(more: number): void {
    if (this.#length + more > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
  }
}

/** Reads a record of `SignalEncoder.encode`, or of version 2, into `batch`. Returns when the batch arrived. Throws if the record is cut off. */
export function decodeSignals(record: Uint8Array, batch: SignalBatch): number {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const isV2 = record[0] === recordTypes.signalsV2;
  let at = 1;
  const byte = () => view.getUint8(at++);
  const short = () => byte() | (byte() << 8);
  const int = () => {
    at += 4;
    return view.getInt32(at - 4, true);
  };
  const float = () => {
    at += 8;
    return view.getFloat64(at - 8, true);
  };
  const nowMs = float();
  const count = int();
  let sender = { process: 0, serviceHost: 0 };
  let trace: readonly [number, number, number, number] = [0, 0, 0, 0];
  batch.clear();
  for (let index = 0; index < count; index++) {
    const head = isV2 ? byte() : 0;
    const type = isV2 ? head & 15 : byte();
    const dialect = isV2 ? head >> 4 : byte();
    const kindAndFlags = isV2 ? byte() : short();
    const mask = short();
    const has = (part: number) => (mask & part) !== 0;
    const span0 = int();
    const span1 = int();
    const startMs = float();
    if (has(parts.sender)) {
      sender = { process: int(), serviceHost: int() };
    }
    if (has(parts.trace)) {
      trace = [int(), int(), int(), int()];
    }
    const parent0 = has(parts.parent) ? int() : 0;
    const parent1 = has(parts.parent) ? int() : 0;
    const row = batch.add({
      type: types[type] ?? signalTypes.malformed,
      dialect: toDialect(dialect),
      kind: toWorkKind(kindAndFlags & 3),
      flags: kindAndFlags >> 2,
      ...sender,
      startMs,
      endMs: has(parts.end) ? float() : 0,
    });
    batch.setTrace(row, ...trace);
    batch.setSpan(row, span0, span1, parent0, parent1);
    batch.name.set(row, has(parts.name) ? int() : 0);
    batch.channel.set(row, has(parts.channel) ? int() : 0);
    batch.reportedOpen.set(row, has(parts.reported) ? int() : 0);
    batch.reportedCompleted.set(row, has(parts.reported) ? int() : 0);
    batch.intervalMs.set(row, has(parts.interval) ? float() : 0);
    batch.seq.set(row, has(parts.seq) ? int() : 0);
    batch.sentMs.set(row, has(parts.sent) ? float() : 0);
    if (has(parts.key)) {
      batch.setKey(row, int(), int());
    }
    if (has(parts.nameHashes)) {
      batch.scopeHash.set(row, int());
      batch.nameHash.set(row, int());
    }
    if (has(parts.shape)) {
      batch.setShape(row, int(), int());
    }
    for (let left = has(parts.references) ? byte() : 0; left > 0; left--) {
      const [hi, lo] = [int(), int()];
      const rank = has(parts.shown) ? byte() : 0;
      const shown = has(parts.shown) ? short() * 2 ** 32 + (int() >>> 0) : 0;
      batch.addReference(hi, lo, shown, rank);
    }
  }
  return nowMs;
}

function maskOf(
  batch: SignalBatch,
  row: number,
  { references, isFirst }: { readonly references: number; readonly isFirst: boolean },
): number {
  const before = row - 1;
  let mask = references > 0 ? parts.references : 0;
  for (let left = references, at = batch.referencesFrom.get(row); left > 0; left--, at++) {
    mask |= batch.referenceShown.get(at) === 0 ? 0 : parts.shown;
  }
  if (
    isFirst ||
    batch.process.get(row) !== batch.process.get(before) ||
    batch.serviceHost.get(row) !== batch.serviceHost.get(before)
  ) {
    mask |= parts.sender;
  }
  if (
    isFirst ||
    batch.trace3.get(row) !== batch.trace3.get(before) ||
    batch.trace2.get(row) !== batch.trace2.get(before) ||
    batch.trace1.get(row) !== batch.trace1.get(before) ||
    batch.trace0.get(row) !== batch.trace0.get(before)
  ) {
    mask |= parts.trace;
  }
  mask |= batch.parent0.get(row) !== 0 || batch.parent1.get(row) !== 0 ? parts.parent : 0;
  mask |= batch.endMs.get(row) === 0 ? 0 : parts.end;
  mask |= batch.name.get(row) === 0 ? 0 : parts.name;
  mask |= batch.channel.get(row) === 0 ? 0 : parts.channel;
  const reported = batch.reportedOpen.get(row) !== 0 || batch.reportedCompleted.get(row) !== 0;
  mask |= reported ? parts.reported : 0;
  mask |= batch.intervalMs.get(row) === 0 ? 0 : parts.interval;
  mask |= batch.seq.get(row) === 0 ? 0 : parts.seq;
  mask |= batch.sentMs.get(row) === 0 ? 0 : parts.sent;
  mask |= batch.key0.get(row) !== 0 || batch.key1.get(row) !== 0 ? parts.key : 0;
  mask |= batch.scopeHash.get(row) !== 0 || batch.nameHash.get(row) !== 0 ? parts.nameHashes : 0;
  mask |= batch.shape0.get(row) !== 0 || batch.shape1.get(row) !== 0 ? parts.shape : 0;
  return mask;
}

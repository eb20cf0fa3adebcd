import protobuf from "protobufjs/minimal.js";
import { type Message, recordMessage } from "./message-description.ts";
import type { Signal } from "./payload.ts";
import type { CountsBy, RejectReason, RepairReason } from "./rejections.ts";

/** The conversion of one request. */
export interface Conversion {
  readonly writer: protobuf.Writer;
  /** The spans, metrics or log records. */
  readonly record: Message;
  readonly rejectedBy: Map<RejectReason, number>;
  /** Texts with lone surrogates. */
  repairedTexts: number;
  /** Attributes of resources and scopes that are left out. */
  droppedAttributes: number;
  /** Records, so far. */
  kept: number;
  removed: number;
}

export function newConversion(signal: Signal): Conversion {
  return {
    writer: protobuf.Writer.create(),
    record: recordMessage(signal),
    rejectedBy: new Map(),
    repairedTexts: 0,
    droppedAttributes: 0,
    kept: 0,
    removed: 0,
  };
}

/** The repairs, if there are any. */
export function repairsOf(to: Conversion): { readonly repairedBy?: CountsBy<RepairReason> } {
  const counts = [
    ["invalid_utf8", to.repairedTexts],
    ["wrong_type", to.droppedAttributes],
  ] as const;
  const repairedBy = counts.filter(([, count]) => count > 0);
  return repairedBy.length === 0 ? {} : { repairedBy: new Map(repairedBy) };
}

/** A function that forgets what was written since now. */
export function undoing(to: Conversion): () => void {
  const { pos } = to.writer;
  const { repairedTexts, droppedAttributes } = to;
  return () => {
    to.writer.pos = pos;
    to.repairedTexts = repairedTexts;
    to.droppedAttributes = droppedAttributes;
  };
}

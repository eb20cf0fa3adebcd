import type { Field, Scalar } from "./message-description.ts";
import { wireTypes } from "./wire-reader.ts";

const wireTypeOfScalar: Readonly<Record<Scalar, number>> = {
  string: wireTypes.length,
  bytes: wireTypes.length,
  id: wireTypes.length,
  bool: wireTypes.varint,
  int64: wireTypes.varint,
  uint64: wireTypes.varint,
  uint32: wireTypes.varint,
  sint32: wireTypes.varint,
  double: wireTypes.fixed64,
  fixed64: wireTypes.fixed64,
  sfixed64: wireTypes.fixed64,
  fixed32: wireTypes.fixed32,
};

/** The wire type of one value of a field. */
export function wireTypeOf({ type }: Field): number {
  switch (type.kind) {
    case "message":
      return wireTypes.length;
    case "enum":
      return wireTypes.varint;
    case "scalar":
      return wireTypeOfScalar[type.scalar];
    default: {
      const never: never = type;
      return never;
    }
  }
}

/** Whether repeated values of the field may share one length-delimited field. */
export function isPackable(field: Field): boolean {
  return wireTypeOf(field) !== wireTypes.length;
}

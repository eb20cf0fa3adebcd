import { describe, expect, test } from "vitest";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
  SnapshotError,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { Int32Column } from "../../../../src/otlp/columns.ts";

function written(): EngineSnapshotWriter {
  const column = new Int32Column();
  column.set(1, -7);
  const writer = new EngineSnapshotWriter();
  writer.number(Number.NEGATIVE_INFINITY);
  writer.numbers([1.5, 2]);
  writer.texts(["ä", ""]);
  writer.column(column, 2);
  column.set(1, 8);
  return writer;
}

describe("a snapshot stream", () => {
  test("returns on reading what was written, in that order", () => {
    const bytes = Buffer.concat(written().pieces);
    // Bytes in the middle of a larger buffer, at an odd position.
    const reader = new EngineSnapshotReader(Buffer.concat([Buffer.from([9]), bytes]).subarray(1));
    const column = new Int32Column();
    const read = [reader.number(), reader.numbers(), reader.texts()];
    expect(reader.isAtEnd).toBe(false);
    reader.column(column);
    expect(read).toEqual([Number.NEGATIVE_INFINITY, [1.5, 2], ["ä", ""]]);
    expect([column.get(0), column.get(1), reader.isAtEnd]).toEqual([0, -7, true]);
  });

  for (const length of [1, 3, 8, 13, 1_000]) {
    test(`returns on reading what was written, cut into pieces of ${length} bytes, and empties their list`, () => {
      const bytes = Buffer.concat(written().pieces);
      const pieces: Uint8Array[] = [new Uint8Array(0)];
      for (let at = 0; at < bytes.length; at += length) {
        pieces.push(bytes.subarray(at, at + length));
      }
      const reader = new EngineSnapshotReader(pieces);
      const column = new Int32Column();
      const read = [reader.number(), reader.numbers(), reader.texts()];
      reader.column(column);
      expect(read).toEqual([Number.NEGATIVE_INFINITY, [1.5, 2], ["ä", ""]]);
      expect([column.get(1), reader.isAtEnd, pieces]).toEqual([-7, true, []]);
      expect(() => reader.number()).toThrow(SnapshotError);
    });
  }

  test("returns on writing what it is given, as copies", () => {
    const writer = new EngineSnapshotWriter();
    const [numbers, texts] = [[1, 2], ["a"]];
    const got = [writer.numbers(numbers), writer.texts(texts)];
    expect([writer.number(3), ...got]).toEqual([3, numbers, texts]);
    expect(got[0]).not.toBe(numbers);
    expect([writer.isLoading, new EngineSnapshotReader(Buffer.alloc(0)).isLoading]).toEqual([
      false,
      true,
    ]);
  });

  for (const [what, length] of [
    ["a negative length", -1],
    ["a length that is no number", Number.NaN],
    ["a length beyond the end", 1],
  ] as const) {
    test(`refuses ${what}`, () => {
      const writer = new EngineSnapshotWriter();
      writer.number(length);
      const reader = () => new EngineSnapshotReader(Buffer.concat(writer.pieces));
      expect(() => reader().texts()).toThrow(SnapshotError);
      expect(() => reader().numbers()).toThrow(SnapshotError);
    });
  }

  test("refuses another value where texts are expected", () => {
    const writer = new EngineSnapshotWriter();
    writer.number(2);
    writer.pieces.push(Buffer.from("{}"));
    const reader = new EngineSnapshotReader(Buffer.concat(writer.pieces));
    expect(() => reader.texts()).toThrow(SnapshotError);
  });
});

import { expect, test } from "vitest";
import {
  ByteReplacements,
  lengthField,
  type ReplacementMark,
} from "../../src/otlp/byte-replacements.ts";
import { WireReader } from "../../src/otlp/wire-reader.ts";
import fc from "../support/fast-check.ts";

/** A message of texts and messages. */
type Node = string | readonly Node[];

const messages: fc.Arbitrary<Node> = fc.letrec<{ node: Node; list: Node }>((tie) => ({
  node: fc.oneof({ maxDepth: 3 }, fc.string({ maxLength: 6 }), tie("list")),
  list: fc.array(tie("node"), { maxLength: 8 }),
})).list;

function encoded(node: Node): Uint8Array {
  return typeof node === "string"
    ? Buffer.from(node)
    : Buffer.concat(
        node.map((each) => lengthField(typeof each === "string" ? 0x0a : 0x12, encoded(each))),
      );
}

/** Removes texts with an `a`, doubles those with a `b`, and notes a closing text in each message. Undoes some of it. */
function redact(bytes: Uint8Array, edits: ByteReplacements, compacts: boolean): void {
  const reader = new WireReader(bytes);
  const walk = (end: number, mark: ReplacementMark | undefined): void => {
    while (reader.position < end) {
      const fieldStart = reader.position;
      const tag = reader.tag(end);
      const lengthStart = reader.position;
      const stop = reader.length(end);
      const start = reader.position;
      if (tag === 0x12) {
        const inner = edits.open(lengthStart);
        walk(stop, inner);
        edits.close(inner, lengthStart, start, stop);
        if ((stop - start) % 7 === 3) {
          edits.backTo(inner);
        }
      } else {
        const text = Buffer.from(bytes.subarray(start, stop)).toString();
        if (text.includes("a")) {
          edits.remove(fieldStart, stop);
        } else if (text.length % 2 === 0) {
          edits.replace(lengthStart, stop, lengthField(0, Buffer.from(text + text)).subarray(1));
        }
      }
      reader.position = stop;
      if (compacts) {
        edits.compact(bytes, mark);
      }
    }
    edits.replace(end, end, lengthField(0x0a, Buffer.from("end")));
  };
  walk(bytes.length, undefined);
}

test("a compact list of replacements makes the same bytes", () => {
  fc.assert(
    fc.property(
      fc.array(messages, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 4 }),
      (parts, times) => {
        const block = encoded(parts);
        // Long enough that it is compacted, within messages and around them.
        const many = Buffer.concat(Array.from({ length: 20 * times }, () => block));
        const bytes = Buffer.concat([lengthField(0x12, many), many]);
        const [loose, compact] = [new ByteReplacements(), new ByteReplacements()];
        redact(bytes, loose, false);
        redact(bytes, compact, true);
        expect(Buffer.compare(loose.carryOut(bytes), compact.carryOut(bytes))).toBe(0);
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);

test("200 000 replacements side by side are a few", () => {
  const bytes = Buffer.concat(
    Array.from({ length: 200_000 }, () => lengthField(0x0a, Buffer.from("x"))),
  );
  const edits = new ByteReplacements();
  for (let at = 0; at < bytes.length; at += 3) {
    edits.replace(at + 2, at + 3, Buffer.from("y"));
    edits.compact(bytes);
  }
  expect(edits.count).toBeLessThan(2_100);
  expect(Buffer.from(edits.carryOut(bytes)).toString("latin1")).toBe("\n\u0001y".repeat(200_000));
});

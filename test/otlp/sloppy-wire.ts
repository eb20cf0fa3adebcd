import fc from "../support/fast-check.ts";

/** A varint with `padding` bytes more than it needs; protobuf allows that. */
export function varint(value: bigint | number, padding = 0): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn));
    rest >>= 7n;
  } while (rest > 0n);
  for (let i = 0; i < padding; i++) {
    bytes.push(0);
  }
  return bytes.map((byte, i) => (i < bytes.length - 1 ? byte | 0x80 : byte));
}

/** How far beyond need the varints of a field are padded; a tag and a length have at most five bytes. */
export interface Padding {
  readonly tag: number;
  readonly length: number;
}

export function field(
  number: number,
  wireType: number,
  content: readonly number[],
  padding: Padding = { tag: 0, length: 0 },
): number[] {
  const tag = varint((BigInt(number) << 3n) | BigInt(wireType));
  const length = wireType === 2 ? varint(content.length) : [];
  return [
    ...padded(tag, Math.min(padding.tag, 5 - tag.length)),
    ...(length.length > 0 ? padded(length, Math.min(padding.length, 5 - length.length)) : []),
    ...content,
  ];
}

function padded(bytes: readonly number[], padding: number): number[] {
  if (padding <= 0) {
    return [...bytes];
  }
  const zeros = Array.from({ length: padding }, (_, i) => (i < padding - 1 ? 0x80 : 0));
  return [...bytes.map((byte) => byte | 0x80), ...zeros];
}

const anyByte = fc.integer({ min: 0, max: 255 });

export const padding: fc.Arbitrary<Padding> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ tag: 0, length: 0 }) },
  { weight: 1, arbitrary: fc.record({ tag: fc.nat(3), length: fc.nat(3) }) },
);

export const varintValue: fc.Arbitrary<number[]> = fc
  .tuple(
    fc.oneof(fc.bigInt({ min: 0n, max: 300n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
    fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(3) }),
  )
  .map(([value, extra]) => {
    const needed = varint(value).length;
    return varint(value, Math.min(extra, 10 - needed));
  });

/** Numbers that no message of OTLP uses, from one byte of tag to five. */
const unknownNumber = fc.constantFrom(99, 500, 1000, 20_000, 2_000_000, 2 ** 29 - 1);

/** A field that nobody knows, of any wire type, groups in groups included. */
export const unknownField: fc.Arbitrary<number[]> = fc.letrec<{ field: number[]; group: number[] }>(
  (tie) => ({
    field: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc
        .tuple(unknownNumber, varintValue, padding)
        .map(([number, value, pad]) => field(number, 0, value, pad)),
      fc
        .tuple(unknownNumber, fc.array(anyByte, { minLength: 8, maxLength: 8 }), padding)
        .map(([number, value, pad]) => field(number, 1, value, pad)),
      fc
        .tuple(unknownNumber, fc.array(anyByte, { maxLength: 140 }), padding)
        .map(([number, value, pad]) => field(number, 2, value, pad)),
      fc
        .tuple(unknownNumber, fc.array(anyByte, { minLength: 4, maxLength: 4 }), padding)
        .map(([number, value, pad]) => field(number, 5, value, pad)),
      tie("group"),
    ),
    group: fc
      .tuple(unknownNumber, fc.array(tie("field"), { maxLength: 2 }), padding)
      .map(([number, fields, pad]) => [
        ...field(number, 3, fields.flat(), pad),
        ...field(number, 4, []),
      ]),
  }),
).field;

/** A message's fields in any order, between them fields that are unknown. */
export function shuffled(fields: readonly fc.Arbitrary<number[]>[]): fc.Arbitrary<number[]> {
  return fc
    .tuple(
      fc.tuple(...fields),
      fc.array(unknownField, { maxLength: 1 }),
      fc.array(fc.nat(), { minLength: fields.length + 1, maxLength: fields.length + 1 }),
      fc.boolean(),
    )
    .map(([known, unknown, order, keepsOrder]) => {
      const all = [...known, ...unknown];
      return keepsOrder
        ? all.flat()
        : all
            .map((bytes, i) => ({ bytes, at: order[i] ?? 0 }))
            .sort((a, b) => a.at - b.at)
            .flatMap(({ bytes }) => bytes);
    });
}

const blow = fc.record({
  kind: fc.constantFrom("cut", "set", "remove", "insert", "double" as const),
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  size: fc.integer({ min: 1, max: 9 }),
  byte: fc.oneof(anyByte, fc.constantFrom(0x00, 0x0a, 0x12, 0x7f, 0x80, 0xff)),
});

type Blow = typeof blow extends fc.Arbitrary<infer T> ? T : never;

/** Several copies of the bytes, each cut off, changed, shortened or lengthened somewhere. */
export function damaged(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array[]> {
  const copies = fc.array(fc.array(blow, { minLength: 1, maxLength: 3 }), {
    minLength: 8,
    maxLength: 8,
  });
  return fc
    .tuple(bytes, copies)
    .map(([whole, all]) => all.map((blows) => Uint8Array.from(blows.reduce(struck, [...whole]))));
}

function struck(bytes: number[], { kind, at, size, byte }: Blow): number[] {
  const index = Math.floor(at * bytes.length);
  const [before, after] = [bytes.slice(0, index), bytes.slice(index)];
  switch (kind) {
    case "cut":
      return before;
    case "set":
      return [...before, byte, ...after.slice(1)];
    case "remove":
      return [...before, ...after.slice(size)];
    case "insert":
      return [...before, ...new Array<number>(size).fill(byte), ...after];
    case "double":
      return [...before, ...after.slice(0, 10 * size), ...after];
  }
}

import { describe, expect, test } from "vitest";
import { maxEdits } from "../../src/otlp/byte-edits.ts";
import { checkRequest } from "../../src/otlp/check-request.ts";
import { SpanBatch } from "../../src/otlp/span-batch.ts";
import { scanSpans } from "../../src/otlp/span-scanner.ts";
import fc from "../support/fast-check.ts";
import { arbitraryMessage, encodeModel, requestType } from "./arbitrary-messages.ts";
import { arbitraryRequest, keys } from "./arbitrary-traces.ts";
import { damaged, field } from "./sloppy-wire.ts";

const signals = ["traces", "metrics", "logs"] as const;

describe("the check of traces", () => {
  test("leaves the scanner no malformed span, and all whose bytes it has not changed", () => {
    const before = new SpanBatch();
    const after = new SpanBatch();
    fc.assert(
      fc.property(damaged(arbitraryRequest), (copies) => {
        for (const bytes of copies) {
          const outcome = scanSpans(bytes, keys, before);
          const checked = checkRequest("traces", bytes);
          if (!checked.ok) {
            continue;
          }
          expect(outcome.ok).toBe(true);
          expect(checked.rejected).toBeGreaterThanOrEqual(before.malformedCount);
          expect(checked.items + checked.rejected).toBe(before.count + before.malformedCount);
          expect(scanSpans(checked.bytes, keys, after)).toEqual({ ok: true });
          expect([after.count, after.malformedCount]).toEqual([checked.items, 0]);
          if (checked.repairedBy === undefined && checked.rejected === before.malformedCount) {
            expect(after.count).toBe(before.count);
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe("the check of any signal", () => {
  for (const signal of signals) {
    test(`takes ${signal} that protobufjs made and counts what is in them`, () => {
      const type = requestType(signal);
      fc.assert(
        fc.property(arbitraryMessage(type), (model) => {
          const bytes = encodeModel(type, model);
          const checked = checkRequest(signal, bytes);
          const all = itemsOf(signal, type.toObject(type.decode(bytes), { arrays: true }));
          expect(checked).toMatchObject({ ok: true });
          if (checked.ok) {
            expect(checked.items + checked.rejected).toBe(all);
            const kept = itemsOf(
              signal,
              type.toObject(type.decode(checked.bytes), { arrays: true }),
            );
            expect(checked.items).toBe(kept);
          }
        }),
        { numRuns: 400 },
      );
    });

    test(`answers damaged ${signal}, and what it passes on needs no second check`, () => {
      const type = requestType(signal);
      const bytes = arbitraryMessage(type).map((model) => encodeModel(type, model));
      fc.assert(
        fc.property(damaged(bytes), (copies) => {
          for (const copy of copies) {
            const checked = checkRequest(signal, copy);
            if (checked.ok) {
              expect(checkRequest(signal, checked.bytes)).toEqual({
                ok: true,
                bytes: checked.bytes,
                items: checked.items,
                rejected: 0,
              });
            }
          }
        }),
        { numRuns: 300 },
      );
    });

    test(`takes an empty request of ${signal}`, () => {
      const bytes = new Uint8Array(0);
      expect(checkRequest(signal, bytes)).toEqual({ ok: true, bytes, items: 0, rejected: 0 });
    });

    test(`refuses a broken envelope of ${signal} and names its message`, () => {
      const names = { traces: "ResourceSpans", metrics: "ResourceMetrics", logs: "ResourceLogs" };
      expect(checkRequest(signal, Uint8Array.of(0x0a, 0x02, 0x12, 0x09))).toEqual({
        ok: false,
        problem: "undecodable",
        message: expect.stringContaining(`a ${names[signal]} is broken at byte`),
      });
    });
  }
});

const record = (...bytes: number[]): number[] => field(2, 2, bytes);
const request = (...records: number[][]): Uint8Array =>
  Uint8Array.from(field(1, 2, field(2, 2, records.flat())));
const ones = (size: number): number[] => new Array<number>(size).fill(1);
const zeros = (size: number): number[] => new Array<number>(size).fill(0);

describe("a log record", () => {
  const body = field(5, 2, field(1, 2, [0x61]));
  const goodTrace = field(9, 2, ones(16));
  const goodSpan = field(10, 2, ones(8));
  for (const [what, message, kept, repairs] of [
    ["no ids", body, body, {}],
    [
      "empty ids",
      [...field(9, 2, []), ...field(10, 2, [])],
      [...field(9, 2, []), ...field(10, 2, [])],
      {},
    ],
    ["whole ids", [...goodTrace, ...goodSpan], [...goodTrace, ...goodSpan], {}],
    [
      "ids that are all zero, which are the same as none",
      [...field(9, 2, zeros(16)), ...field(10, 2, zeros(8)), ...body],
      body,
      {},
    ],
    [
      "a trace id of 8 bytes",
      [...field(9, 2, ones(8)), ...goodSpan, ...body],
      body,
      { trace_id: 1 },
    ],
    ["a span id of 16 bytes", [...goodTrace, ...field(10, 2, ones(16))], goodTrace, { span_id: 1 }],
    [
      "a misfit before the trace id that counts",
      [...field(9, 2, ones(3)), ...goodTrace],
      goodTrace,
      { trace_id: 1 },
    ],
    [
      "a misfit after a trace id, which would count otherwise",
      [...goodTrace, ...field(9, 2, ones(3)), ...body],
      body,
      { trace_id: 1 },
    ],
    [
      "text that is cut inside of a character",
      field(3, 2, [0x61, 0xe2, 0x82]),
      field(3, 2, [0x61, 0xef, 0xbf, 0xbd]),
      { invalid_utf8: 1 },
    ],
    [
      "a severity number as a text and a body as a number",
      [...field(2, 2, [0x39]), ...field(5, 0, [1]), ...body],
      body,
      { wire_type: 2 },
    ],
    [
      "a wrong wire type in an attribute",
      field(6, 2, [...field(1, 2, [0x61]), ...field(2, 2, field(1, 0, [1]))]),
      field(6, 2, [...field(1, 2, [0x61]), ...field(2, 2, [])]),
      { wire_type: 1 },
    ],
    [
      "a group in place of a known field",
      [...body, (3 << 3) | 3, (3 << 3) | 4],
      body,
      { wire_type: 1 },
    ],
    [
      "no UTF-8 in an attribute of its body",
      field(5, 2, field(6, 2, field(1, 2, field(1, 2, [0xff, 0xff])))),
      field(5, 2, field(6, 2, field(1, 2, field(1, 2, [0xef, 0xbf, 0xbd, 0xef, 0xbf, 0xbd])))),
      { invalid_utf8: 1 },
    ],
  ] as const) {
    test(`with ${what} is kept, the others stand`, () => {
      const checked = checkRequest(
        "logs",
        request(record(...body), record(...message), record(...body)),
      );
      expect(checked).toEqual({
        ok: true,
        bytes: request(record(...body), record(...kept), record(...body)),
        items: 3,
        rejected: 0,
        ...(Object.keys(repairs).length === 0
          ? {}
          : { repairedBy: new Map(Object.entries(repairs)) }),
      });
    });
  }

  const deep = Array.from({ length: 50 }).reduce<number[]>(
    (inner) => field(5, 2, field(1, 2, inner)),
    [],
  );
  for (const [what, message, reason] of [
    ["a field that is cut off", [0x09, 1, 2], "undecodable"],
    ["an attribute that cannot be decoded", field(6, 2, [0x0a, 0x05]), "undecodable"],
    [
      "a value in an attribute that cannot be decoded",
      field(6, 2, [...field(1, 2, [0x61]), ...field(2, 2, [0x0a, 0x05])]),
      "undecodable",
    ],
    ["a body that nests too deep", field(5, 2, deep), "too_deep"],
  ] as const) {
    test(`with ${what} is left out, the others stand`, () => {
      const checked = checkRequest(
        "logs",
        request(record(...body), record(...message), record(...body)),
      );
      expect(checked).toEqual({
        ok: true,
        bytes: request(record(...body), record(...body)),
        items: 2,
        rejected: 1,
        reason: expect.stringContaining("Some log records were left out"),
        rejectedBy: new Map([[reason, 1]]),
      });
    });
  }
});

describe("a span", () => {
  const ids = [...field(1, 2, ones(16)), ...field(2, 2, ones(8))];
  const link = field(13, 2, ids);
  const state = field(3, 2, [0x61]);
  for (const [what, message, kept, repairs] of [
    ["a parent of 4 bytes", [...ids, ...field(4, 2, ones(4))], ids, { parent_span_id: 1 }],
    ["a parent that is all zero, the same as none", [...ids, ...field(4, 2, zeros(8))], ids, {}],
    [
      "a link without a usable trace id",
      [...ids, ...link, ...field(13, 2, field(1, 2, ones(8))), ...field(14, 0, [2])],
      [...ids, ...link, ...field(14, 0, [2]), ...field(14, 0, [3])],
      { link: 1 },
    ],
    [
      "a link without ids, which may have attributes",
      [...ids, ...field(13, 2, [])],
      [...ids, ...field(13, 2, [])],
      {},
    ],
    [
      "a link whose ids are all zero, the same as none",
      [...ids, ...field(13, 2, [...field(1, 2, zeros(16)), ...state, ...field(2, 2, zeros(8))])],
      [...ids, ...field(13, 2, state)],
      {},
    ],
    [
      "a link to a whole trace",
      [...ids, ...field(13, 2, field(1, 2, ones(16)))],
      [...ids, ...field(13, 2, field(1, 2, ones(16)))],
      {},
    ],
    [
      "a link to a span of no trace",
      [...ids, ...field(13, 2, [...field(1, 2, zeros(16)), ...field(2, 2, ones(8))])],
      [...ids, ...field(13, 2, field(2, 2, ones(8)))],
      {},
    ],
    [
      "a link whose span id has a wrong length, which still leads to the trace",
      [...ids, ...field(13, 2, [...field(1, 2, ones(16)), ...field(2, 2, ones(7))])],
      [...ids, ...field(13, 2, field(1, 2, ones(16)))],
      { span_id: 1 },
    ],
    [
      "a link with a misfit before each id that counts",
      [...ids, ...field(13, 2, [...field(1, 2, ones(15)), ...field(2, 2, ones(9)), ...ids])],
      [...ids, ...link],
      { trace_id: 1, span_id: 1 },
    ],
    [
      "a link with a misfit after its trace id, which would count otherwise",
      [...ids, ...field(13, 2, [...ids, ...field(1, 2, ones(15))])],
      [...ids, ...field(14, 0, [1])],
      { link: 1 },
    ],
    [
      "a link with a misfit before an id of zeros",
      [...ids, ...field(13, 2, [...field(1, 2, ones(15)), ...field(1, 2, zeros(16)), ...state])],
      [...ids, ...field(13, 2, state)],
      { trace_id: 1 },
    ],
    [
      "an unusable link, of which nothing else is counted",
      [...ids, ...field(13, 2, [...field(1, 2, ones(15)), ...field(3, 2, [0xff])])],
      [...ids, ...field(14, 0, [1])],
      { link: 1 },
    ],
  ] as const) {
    test(`with ${what} is kept`, () => {
      expect(checkRequest("traces", request(record(...message), record(...ids)))).toEqual({
        ok: true,
        bytes: request(record(...kept), record(...ids)),
        items: 2,
        rejected: 0,
        ...(Object.keys(repairs).length === 0
          ? {}
          : { repairedBy: new Map(Object.entries(repairs)) }),
      });
    });
  }

  for (const [what, message, reason] of [
    ["no trace id", field(2, 2, ones(8)), "trace_id"],
    [
      "a trace id that is all zero",
      [...field(1, 2, zeros(16)), ...field(2, 2, ones(8))],
      "trace_id",
    ],
    ["a span id of 7 bytes", [...field(1, 2, ones(16)), ...field(2, 2, ones(7))], "span_id"],
    ["an event that cannot be decoded", [...ids, ...field(11, 2, [0x0a, 9])], "undecodable"],
    ["a link that cannot be decoded", [...ids, ...field(13, 2, [0x0a, 9])], "undecodable"],
  ] as const) {
    test(`with ${what} is left out`, () => {
      expect(checkRequest("traces", request(record(...message), record(...ids)))).toEqual({
        ok: true,
        bytes: request(record(...ids)),
        items: 1,
        rejected: 1,
        reason: expect.stringContaining("Some spans were left out"),
        rejectedBy: new Map([[reason, 1]]),
      });
    });
  }
});

describe("the envelope", () => {
  test("keeps a resource, a scope and URLs whose text is repaired", () => {
    const name = (bytes: number[]) => [...field(1, 2, field(1, 2, bytes)), ...field(3, 2, bytes)];
    const withText = (bytes: number[]) =>
      Uint8Array.from(
        field(1, 2, [
          ...field(1, 2, field(1, 2, field(1, 2, bytes))),
          ...field(3, 2, bytes),
          ...field(2, 2, [...name(bytes), ...record()]),
        ]),
      );
    expect(checkRequest("logs", withText([0x61, 0xc0]))).toEqual({
      ok: true,
      bytes: withText([0x61, 0xef, 0xbf, 0xbd]),
      items: 1,
      rejected: 0,
      repairedBy: new Map([["invalid_utf8", 4]]),
    });
  });

  test("loses known fields of a wrong wire type and keeps unknown ones", () => {
    const number = (at: number) => field(at, 0, [1]);
    const envelope = (...wrong: readonly number[][]) => {
      const [inRequest = [], inResource = [], inPart = [], inScope = []] = wrong;
      return Uint8Array.from([
        ...inRequest,
        ...number(9),
        ...field(1, 2, [
          ...field(1, 2, [...inResource, ...number(9)]),
          ...inPart,
          ...number(9),
          ...field(2, 2, [...inScope, ...number(9), ...record()]),
        ]),
      ]);
    };
    const wrong = [1, 1, 3, 2].map(number);
    expect(checkRequest("logs", envelope(...wrong))).toMatchObject({
      ok: true,
      bytes: envelope(),
      items: 1,
      repairedBy: new Map([["wire_type", 4]]),
    });
  });

  const brokenText = (size: number) => field(3, 2, new Array<number>(size).fill(0xff));
  const bad = [...record(7), ...brokenText(1)];
  const emptyScope = field(2, 2, brokenText(1));
  for (const [what, parts, left, repaired] of [
    ["a resource with its last record", field(2, 2, bad), [], 0],
    [
      "a resource of which only empty scopes would be left",
      [...emptyScope, ...field(2, 2, bad)],
      [],
      0,
    ],
    [
      "a scope with its last record, in a resource that has others",
      [...field(2, 2, bad), ...field(2, 2, record())],
      field(2, 2, record()),
      1,
    ],
    ["nothing of an empty resource", [], [], 1],
  ] as const) {
    test(`loses ${what}, and counts no text in it`, () => {
      const good = field(1, 2, field(2, 2, record()));
      const url = (bytes: readonly number[]) => field(3, 2, [...bytes]);
      const kept = repaired === 0 ? [] : field(1, 2, [...left, ...url([0xef, 0xbf, 0xbd])]);
      const checked = checkRequest(
        "logs",
        Uint8Array.from([...field(1, 2, [...parts, ...url([0xff])]), ...good]),
      );
      expect(checked).toMatchObject({ ok: true, bytes: Uint8Array.from([...kept, ...good]) });
      expect(checked.ok && checked.repairedBy).toEqual(
        repaired === 0 ? undefined : new Map([["invalid_utf8", repaired]]),
      );
    });
  }

  test("with an attribute that cannot be decoded makes the request fail", () => {
    const resource = field(1, 2, field(1, 2, field(2, 2, [0x0a, 9])));
    expect(checkRequest("logs", Uint8Array.from(field(1, 2, resource)))).toEqual({
      ok: false,
      problem: "undecodable",
      message: expect.stringContaining("a Resource is broken at byte"),
    });
  });

  test("with more malformed records than can be cut out makes the request fail", () => {
    const mismatch = [0x0a, 0];
    const records = Array.from({ length: maxEdits + 1 }, () => [
      ...field(2, 2, mismatch),
      ...field(2, 2, [...mismatch, ...mismatch, ...mismatch]),
    ]).flat();
    expect(checkRequest("logs", Uint8Array.from(field(1, 2, field(2, 2, records))))).toEqual({
      ok: false,
      problem: "undecodable",
      message: expect.stringContaining("places that are malformed"),
    });
  });
});

describe("a metric", () => {
  const point = field(1, 2, field(3, 1, [1, 2, 3, 4, 5, 6, 7, 8]));
  for (const [what, bytes, items] of [
    ["a gauge of two points", field(5, 2, [...point, ...point]), 2],
    ["a sum in two parts", [...field(7, 2, point), ...field(7, 2, point)], 2],
    ["a histogram", field(9, 2, [...point, ...field(2, 0, [1])]), 1],
    ["an exponential histogram", field(10, 2, point), 1],
    ["a summary", field(11, 2, [...point, ...point, ...point]), 3],
    ["no points", field(1, 2, [0x61]), 0],
    [
      "two kinds of data, of which the last holds",
      [...field(5, 2, [...point, ...point]), ...field(7, 2, point)],
      1,
    ],
  ] as const) {
    test(`with ${what} counts as ${items} items`, () => {
      const metric = request(record(...bytes));
      expect(checkRequest("metrics", metric)).toEqual({
        ok: true,
        bytes: metric,
        items,
        rejected: 0,
      });
    });
  }

  for (const [what, bytes, rejected] of [
    ["a data point that is cut off", field(5, 2, [...point, ...field(1, 2, [0x19, 1])]), 2],
    [
      "data that is cut off",
      [...field(5, 2, [...point, ...point]), ...field(5, 2, [0x0a, 0x7f])],
      2,
    ],
    ["a name that is cut off", [0x0a, 0x05], 1],
    [
      "packed bucket counts that are cut off",
      field(10, 2, field(1, 2, field(8, 2, field(2, 2, [1, 0x80])))),
      1,
    ],
    ["packed bounds of which one has 7 bytes", field(9, 2, field(1, 2, field(7, 2, zeros(15)))), 1],
    [
      "an exemplar that is cut off",
      field(5, 2, [...point, ...field(1, 2, field(5, 2, [0x11, 1]))]),
      2,
    ],
  ] as const) {
    test(`with ${what} is left out with its points`, () => {
      const good = record(...field(5, 2, point));
      expect(checkRequest("metrics", request(good, record(...bytes)))).toEqual({
        ok: true,
        bytes: request(good),
        items: 1,
        rejected,
        reason: expect.stringContaining("data points were left out"),
        rejectedBy: new Map([["undecodable", rejected]]),
      });
    });
  }
});

test("an exemplar with an unusable trace id is kept without association", () => {
  const withExemplar = (exemplar: number[]) =>
    request(record(...field(5, 2, field(1, 2, field(5, 2, exemplar)))));
  const time = field(2, 1, ones(8));
  expect(
    checkRequest(
      "metrics",
      withExemplar([...field(4, 2, ones(8)), ...time, ...field(5, 2, ones(15))]),
    ),
  ).toEqual({
    ok: true,
    bytes: withExemplar(time),
    items: 1,
    rejected: 0,
    repairedBy: new Map([["trace_id", 1]]),
  });
});

/** Under which names the items of a request are, from the outside in. */
const paths = {
  traces: ["resourceSpans", "scopeSpans", "spans"],
  logs: ["resourceLogs", "scopeLogs", "logRecords"],
  metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
} as const;
const dataNames = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];

type Decoded = { readonly [name: string]: Decoded[] & Decoded };

/** Items in a decoded request, counted the plain way. */
function itemsOf(signal: (typeof signals)[number], request: Decoded): number {
  const records = paths[signal].reduce<Decoded[]>(
    (messages, name) => messages.flatMap((message) => message[name] ?? []),
    [request],
  );
  return signal === "metrics"
    ? records.flatMap((metric) => dataNames.flatMap((name) => metric[name]?.["dataPoints"] ?? []))
        .length
    : records.length;
}

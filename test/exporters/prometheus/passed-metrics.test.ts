import { describe, expect, test } from "vitest";
import {
  at,
  attribute,
  cumulative,
  delta,
  exponential,
  gauge,
  histogram,
  type Json,
  passedPage,
  sum,
} from "./passed-page.ts";

const service = (name: string, ...more: readonly Json[]) => ({
  resource: { attributes: [attribute("service.name", name), ...more] },
});

/** A request with an exponential histogram whose positive side has these bytes. */
function requestWithBuckets(buckets: Buffer): Uint8Array {
  const field = (number: number, content: Buffer) =>
    Buffer.concat([Buffer.from([number * 8 + 2, content.length]), content]);
  const point = field(8, buckets);
  const metric = Buffer.concat([
    field(1, Buffer.from("e")),
    field(10, Buffer.concat([field(1, point), Buffer.from([2 * 8, cumulative])])),
  ]);
  return field(1, field(2, field(2, metric)));
}

async function linesOf(metrics: readonly Json[], options: Parameters<typeof passedPage>[0] = {}) {
  const page = passedPage(options);
  await page.take(metrics);
  return page.lines();
}

test("a request becomes one page: target, scope, type, help, unit, escaped labels", async () => {
  const page = passedPage();
  await page.take(
    [
      {
        ...sum("http.requests", [
          {
            asInt: "7",
            timeUnixNano: at(1),
            attributes: [attribute("path", 'a "b"\n\\c'), attribute("http.status", 200)],
          },
        ]),
        unit: "{request}",
        description: "Requests,\nall \\ of them",
      },
      { ...gauge("load", { asDouble: 0.5, timeUnixNano: at(1) }), unit: "1" },
    ],
    {
      resource: {
        attributes: [
          attribute("service.name", "shop"),
          attribute("service.namespace", "eu"),
          attribute("service.instance.id", "627cc493-f310-47de-96bd-71410b7dec09"),
          attribute("host.name", "web-1"),
        ],
      },
      scope: { name: "lib", version: "1.2", attributes: [attribute("part", "x")] },
      schemaUrl: "https://opentelemetry.io/schemas/1.30.0",
    },
  );
  const labels = `job="eu/shop",instance="627cc493-f310-47de-96bd-71410b7dec09"`;
  const scope = `otel_scope_name="lib",otel_scope_version="1.2",otel_scope_schema_url="https://opentelemetry.io/schemas/1.30.0",otel_scope_part="x"`;
  expect(await page.passed.page(new Set())).toBe(
    [
      "# HELP target_info Target metadata",
      "# TYPE target_info gauge",
      `target_info{${labels},host_name="web-1"} 1`,
      "# HELP http_requests_total Requests,\\nall \\\\ of them",
      "# TYPE http_requests_total counter",
      `http_requests_total{${labels},${scope},http_status="200",path="a \\"b\\"\\n\\\\c"} 7`,
      "# TYPE load_ratio gauge",
      `load_ratio{${labels},${scope}} 0.5`,
      "",
    ].join("\n"),
  );
  expect(page.reported()).toEqual({});
});

for (const [what, metric, want] of [
  ["a counter", sum("a", [{ asInt: "5" }]), ["a_total 5"]],
  [
    "an integer beyond 2^53, exactly",
    sum("a", [{ asInt: "9223372036854775807" }]),
    ["a_total 9223372036854775807"],
  ],
  [
    "a sum that can decrease, as a gauge",
    sum("a", [{ asInt: "-5" }], { isMonotonic: false }),
    ["a -5"],
  ],
  [
    "numbers that are not finite",
    gauge(
      "a",
      { asDouble: "NaN", attributes: [attribute("x", "1")] },
      { asDouble: "Infinity", attributes: [attribute("x", "2")] },
      { asDouble: "-Infinity", attributes: [attribute("x", "3")] },
    ),
    ['a{x="1"} NaN', 'a{x="2"} +Inf', 'a{x="3"} -Inf'],
  ],
  [
    "a histogram, with bounds as Go writes them",
    histogram("a", [
      {
        count: "6",
        sum: 9.5,
        explicitBounds: [0.00001, 1, 2_500_000],
        bucketCounts: ["1", "2", "0", "3"],
      },
    ]),
    [
      'a_bucket{le="1e-05"} 1',
      'a_bucket{le="1"} 3',
      'a_bucket{le="2.5e+06"} 3',
      'a_bucket{le="+Inf"} 6',
      "a_sum 9.5",
      "a_count 6",
    ],
  ],
  [
    "a histogram without buckets or a sum",
    histogram("a", [{ count: "6" }]),
    ['a_bucket{le="+Inf"} 6', "a_count 6"],
  ],
  [
    "a histogram whose last bound is +Inf, and one bound twice",
    histogram("a", [
      {
        count: "6",
        sum: 1,
        explicitBounds: [1, 1, "Infinity"],
        bucketCounts: ["1", "2", "3", "0"],
      },
    ]),
    ['a_bucket{le="1"} 3', 'a_bucket{le="+Inf"} 6', "a_sum 1", "a_count 6"],
  ],
  [
    "a histogram that counts less than its buckets",
    histogram("a", [{ count: "1", sum: 1, explicitBounds: [1], bucketCounts: ["2", "3"] }]),
    ['a_bucket{le="1"} 2', 'a_bucket{le="+Inf"} 5', "a_sum 1", "a_count 5"],
  ],
  [
    "a summary",
    {
      name: "a",
      summary: {
        dataPoints: [
          {
            count: "4",
            sum: 10,
            quantileValues: [
              { quantile: 0.99, value: 5 },
              { quantile: 0.5, value: 2 },
              { quantile: 0.5, value: 3 },
            ],
          },
        ],
      },
    },
    ['a{quantile="0.5"} 3', 'a{quantile="0.99"} 5', "a_sum 10", "a_count 4"],
  ],
  [
    "labels that lines have of their own, under another name",
    histogram("a", [
      { count: "1", attributes: [attribute("le", "x"), attribute("otel_metric_overflow", "true")] },
    ]),
    [
      'a_bucket{exported_le="x",exported_otel_metric_overflow="true",le="+Inf"} 1',
      'a_count{exported_le="x",exported_otel_metric_overflow="true"} 1',
    ],
  ],
  [
    "attributes that become one label, joined in the order of their keys",
    gauge("a", { asInt: "1", attributes: [attribute("x_y", "2"), attribute("x.y", "1")] }),
    ['a{x_y="1;2"} 1'],
  ],
  [
    "label names that Prometheus does not allow",
    gauge("a", {
      asInt: "1",
      attributes: [
        attribute("__name__", "n"),
        attribute("2nd", "d"),
        attribute("_x", "u"),
        attribute("日本", "j"),
        attribute("empty", ""),
      ],
    }),
    ['a{key_2nd="d",key_name_="n",key_x="u",key_="j"} 1'],
  ],
  [
    "values of all kinds",
    gauge("a", {
      asInt: "1",
      attributes: [
        attribute("b", { boolValue: true }),
        attribute("d", { doubleValue: 1.5 }),
        attribute("l", { arrayValue: { values: [{ intValue: "1" }, { stringValue: "x" }] } }),
      ],
    }),
    ['a{b="true",d="1.5",l="[1,\\"x\\"]"} 1'],
  ],
] as const) {
  test(`shows ${what}`, async () => {
    expect(await linesOf([metric])).toEqual(want);
  });
}

describe("exponential histograms have classic buckets with fixed bounds", () => {
  const bucketsOf = async (page: ReturnType<typeof passedPage>) =>
    new Map(
      (await page.lines()).flatMap((line) => {
        const match = /le="([^"]+)"\} (\S+)/.exec(line);
        return match === null ? [] : [[match[1], Number(match[2])] as const];
      }),
    );

  test("of 0 and the powers of two from 2^-20 to 2^40, which fit every scale from 0 on exactly", async () => {
    const page = passedPage();
    // Scale 1: buckets (2^(i/2), 2^((i+1)/2)].
    await page.take([
      exponential("a", [
        {
          count: "21",
          sum: 5,
          scale: 1,
          zeroCount: "3",
          positive: { offset: -1, bucketCounts: ["1", "2", "4", "8"] },
          negative: { offset: 0, bucketCounts: ["3"] },
        },
      ]),
    ]);
    const buckets = await bucketsOf(page);
    expect(buckets.size).toBe(63);
    expect(
      ["0", "9.5367431640625e-07", "0.5", "1", "2", "4", "1.099511627776e+12", "+Inf"].map((le) =>
        buckets.get(le),
      ),
    ).toEqual([6, 6, 6, 7, 13, 21, 21, 21]);
  });

  test("whether the offset comes before or after the counts, which may be in several pieces", async () => {
    // offset 1 (zigzag), and the counts 3 and 5, the first packed and the second not.
    const [offset, packed, single] = [
      [0x08, 2],
      [0x12, 1, 3],
      [0x10, 5],
    ] as const;
    const valuesOf = async (...fields: readonly (readonly number[])[]) => {
      const page = passedPage();
      await page.passed.take(requestWithBuckets(Buffer.from(fields.flat())));
      const buckets = await bucketsOf(page);
      return ["2", "4", "8"].map((le) => buckets.get(le));
    };
    expect(await valuesOf(offset, packed, single)).toEqual([0, 3, 8]);
    expect(await valuesOf(packed, single, offset)).toEqual([0, 3, 8]);
  });

  test("no bound changes and no bucket steps back when the scale goes down or the zero bucket grows", async () => {
    const page = passedPage();
    const points = [
      {
        scale: 3,
        zeroCount: "1",
        positive: { offset: 0, bucketCounts: ["1", "1", "1", "1", "1", "1", "1", "1", "1"] },
      },
      { scale: 0, zeroCount: "1", positive: { offset: 0, bucketCounts: ["8", "4"] } },
      { scale: -2, zeroCount: "1", positive: { offset: 0, bucketCounts: ["13"] } },
      {
        scale: -2,
        zeroCount: "14",
        zeroThreshold: 8,
        positive: { offset: 1, bucketCounts: ["3"] },
      },
    ];
    let before: Map<string | undefined, number> | undefined;
    for (const [index, point] of points.entries()) {
      await page.take([
        exponential("a", [{ ...point, startTimeUnixNano: at(0), timeUnixNano: at(index + 1) }]),
      ]);
      const buckets = await bucketsOf(page);
      for (const [le, count] of before ?? []) {
        expect(buckets.get(le), `le ${le} of point ${index}`).toBeGreaterThanOrEqual(count);
      }
      expect(buckets.size).toBe(63);
      before = buckets;
    }
    expect(["2", "4", "16", "+Inf"].map((le) => before?.get(le))).toEqual([9, 13, 14, 17]);
  });

  test("deltas are added", async () => {
    const page = passedPage();
    for (const second of [1, 2]) {
      await page.take([
        exponential(
          "a",
          [
            {
              startTimeUnixNano: at(second - 1),
              timeUnixNano: at(second),
              count: "2",
              sum: 3,
              scale: second,
              positive: { offset: 0, bucketCounts: ["2"] },
            },
          ],
          delta,
        ),
      ]);
    }
    expect((await bucketsOf(page)).get("2")).toBe(4);
    expect((await page.lines()).slice(-2)).toEqual(["a_sum 6", "a_count 4"]);
  });
});

describe("a stream over time", () => {
  const counter = (value: number, start: number, time: number, more: Json = {}) =>
    sum(
      "a",
      [{ asInt: String(value), startTimeUnixNano: at(start), timeUnixNano: at(time) }],
      more,
    );
  const isDelta = { aggregationTemporality: delta };
  const flag = { flags: 1, startTimeUnixNano: at(0), timeUnixNano: at(9) };

  for (const [what, steps, want, reported] of [
    ["the last value counts", [counter(1, 0, 1), counter(3, 0, 2)], ["a_total 3"], {}],
    [
      "a value with the time of the last one replaces it",
      [counter(1, 0, 1), counter(3, 0, 1)],
      ["a_total 3"],
      {},
    ],
    [
      "a late value is dropped",
      [counter(3, 0, 2), counter(1, 0, 1)],
      ["a_total 3"],
      { "point late": 1 },
    ],
    ["a reset is shown as it was sent", [counter(9, 0, 2), counter(1, 3, 4)], ["a_total 1"], {}],
    ["deltas are added", [counter(4, 0, 1, isDelta), counter(3, 1, 2, isDelta)], ["a_total 7"], {}],
    [
      "deltas after a pause are added",
      [counter(4, 0, 1, isDelta), counter(3, 5, 6, isDelta)],
      ["a_total 7"],
      {},
    ],
    [
      "a delta that comes twice counts once",
      [counter(4, 0, 1, isDelta), counter(4, 0, 1, isDelta)],
      ["a_total 4"],
      { "point late": 1 },
    ],
    [
      "a late delta is dropped",
      [counter(4, 0, 1, isDelta), counter(4, 2, 3, isDelta), counter(2, 1, 2, isDelta)],
      ["a_total 8"],
      { "point out_of_order": 1 },
    ],
    [
      "a delta of a time that was counted in part is dropped",
      [counter(4, 0, 2, isDelta), counter(3, 1, 3, isDelta)],
      ["a_total 4"],
      { "point out_of_order": 1 },
    ],
    [
      "deltas that decrease are added to a gauge",
      [
        counter(4, 0, 1, { ...isDelta, isMonotonic: false }),
        counter(-6, 1, 2, { ...isDelta, isMonotonic: false }),
      ],
      ["a -2"],
      {},
    ],
    [
      "a delta below 0 is no part of a counter",
      [counter(4, 0, 1, isDelta), counter(-1, 1, 2, isDelta)],
      ["a_total 4"],
      { "point invalid_value": 1 },
    ],
    ["a stream without a value any more is removed", [counter(4, 0, 1), sum("a", [flag])], [], {}],
    [
      "without a temporality nothing is shown",
      [counter(4, 0, 1, { aggregationTemporality: 0 })],
      [],
      { "point temporality": 1 },
    ],
  ] as const) {
    test(what, async () => {
      const page = passedPage();
      for (const step of steps) {
        await page.take([step]);
      }
      expect(await page.lines()).toEqual(want);
      expect(page.reported()).toEqual(reported);
    });
  }

  test("is shown until metric_expiration has passed since its last value", async () => {
    const page = passedPage({ expirationMs: 60_000 });
    await page.take([counter(4, 0, 1)]);
    page.clock.advance(60_000);
    expect(await page.lines()).toEqual(["a_total 4"]);
    page.clock.advance(1);
    expect(await page.lines()).toEqual([]);
    expect(page.passed.seriesCount).toBe(0);
  });

  test("has the time of its last value with send_timestamps", async () => {
    const page = passedPage();
    await page.take([counter(4, 0, 1)]);
    const text = await page.passed.page(new Set(), { sendTimestamps: true });
    expect(text.split("\n")).toContain("a_total 4 1700000001000");
  });

  test("a histogram with other bounds is a reset", async () => {
    const page = passedPage();
    const of = (bounds: readonly number[], counts: readonly string[], second: number) =>
      histogram("a", [
        {
          count: "9",
          sum: 1,
          explicitBounds: bounds,
          bucketCounts: counts,
          startTimeUnixNano: at(0),
          timeUnixNano: at(second),
        },
      ]);
    await page.take([of([1, 2], ["4", "4", "1"], 1)]);
    await page.take([of([5], ["8", "1"], 2)]);
    expect(await page.lines()).toEqual([
      'a_bucket{le="5"} 8',
      'a_bucket{le="+Inf"} 9',
      "a_sum 1",
      "a_count 9",
    ]);
  });
});

describe("what looks like an id is not shown, and what coincides then is merged", () => {
  const perSession = (id: string, value: number, time = 1): Json => ({
    asInt: String(value),
    startTimeUnixNano: at(0),
    timeUnixNano: at(time),
    attributes: [attribute("session.id", id), attribute("model", "m")],
  });

  test("counters are added, and count on over the end and the reset of one", async () => {
    const page = passedPage({ expirationMs: 60_000 });
    await page.take([sum("a", [perSession("one", 5), perSession("two", 7)])]);
    expect(await page.lines()).toEqual(['a_total{model="m"} 12']);
    await page.take([sum("a", [perSession("one", 1, 2), perSession("two", 8, 2)])]);
    expect(await page.lines(), "one began again").toEqual(['a_total{model="m"} 14']);
    page.clock.advance(50_000);
    await page.take([sum("a", [perSession("two", 9, 3)])]);
    page.clock.advance(20_000);
    expect(await page.lines(), "one has expired").toEqual(['a_total{model="m"} 15']);
    page.clock.advance(60_000);
    expect(await page.lines()).toEqual([]);
    expect(page.reported()).toEqual({ "label id_key": 2 });
  });

  describe("a stream that comes back", () => {
    const of = (id: string, value: number, start: number, time: number, isDelta = false): Json =>
      sum(
        "a",
        [
          {
            asInt: String(value),
            startTimeUnixNano: at(start),
            timeUnixNano: at(time),
            attributes: [attribute("session.id", id)],
          },
        ],
        isDelta ? { aggregationTemporality: delta } : {},
      );
    const gone = sum("a", [
      {
        flags: 1,
        startTimeUnixNano: at(0),
        timeUnixNano: at(15),
        attributes: [attribute("session.id", "A")],
      },
    ]);
    const shared = [of("A", 100, 0, 10), of("B", 50, 0, 10)];
    const sharedDeltas = [of("A", 100, 0, 10, true), of("B", 50, 0, 10, true)];
    for (const [what, first, next, want, reported] of [
      ["with its start counts the difference", shared, of("A", 103, 0, 40), 153, {}],
      ["with a new start counts whole", shared, of("A", 103, 30, 40), 253, {}],
      ["below what it had counts whole", shared, of("A", 3, 0, 40), 153, {}],
      ["with an old point counts nothing", shared, of("A", 90, 0, 9), 150, { "point late": 1 }],
      ["with its last point counts nothing", shared, of("A", 100, 0, 10), 150, {}],
      [
        "with a delta that was counted counts nothing",
        sharedDeltas,
        of("A", 100, 0, 10, true),
        150,
        { "point late": 1 },
      ],
      [
        "with a delta of a time that was counted in part counts nothing",
        sharedDeltas,
        of("A", 100, 5, 15, true),
        150,
        { "point out_of_order": 1 },
      ],
      ["with a new delta counts it", sharedDeltas, of("A", 3, 10, 20, true), 153, {}],
    ] as const) {
      test(`after metric_expiration ${what}`, async () => {
        const page = passedPage({ expirationMs: 60_000 });
        await page.take(first);
        page.clock.advance(40_000);
        await page.take([first === shared ? of("B", 50, 0, 11) : of("B", 0, 10, 11, true)]);
        page.clock.advance(40_000);
        expect(await page.lines()).toEqual(["a_total 150"]);
        await page.take([next]);
        expect(await page.lines()).toEqual([`a_total ${want}`]);
        expect(page.reported()).toEqual({ "label id_key": 2, ...reported });
      });
      test(`after it was flagged as gone ${what}`, async () => {
        const page = passedPage();
        await page.take(first);
        await page.take([gone]);
        await page.take([next]);
        expect(await page.lines()).toEqual([`a_total ${want}`]);
        expect(page.reported()).toEqual({ "label id_key": 2, ...reported });
      });
    }

    test("counts the difference also if no page was served while it was away", async () => {
      const page = passedPage({ expirationMs: 60_000 });
      await page.take(shared);
      page.clock.advance(40_000);
      await page.take([of("B", 52, 0, 30)]);
      page.clock.advance(40_000);
      await page.take([of("A", 103, 0, 40)]);
      expect(await page.lines()).toEqual(["a_total 155"]);
    });

    test("is shown as it is sent when the whole series had expired, served or not", async () => {
      for (const isServed of [true, false]) {
        const page = passedPage({ expirationMs: 60_000 });
        await page.take(shared);
        page.clock.advance(60_001);
        if (isServed) {
          expect(await page.lines()).toEqual([]);
        }
        await page.take([of("A", 103, 0, 40)]);
        expect(await page.lines()).toEqual(["a_total 103"]);
      }
    });

    test("counts the difference in each bucket of a histogram", async () => {
      const page = passedPage();
      const point = (id: string, counts: readonly string[], total: number, time: number) => ({
        count: String(counts.reduce((all, each) => all + Number(each), 0)),
        sum: total,
        explicitBounds: [1, 2],
        bucketCounts: counts,
        startTimeUnixNano: at(0),
        timeUnixNano: at(time),
        attributes: [attribute("session.id", id)],
      });
      const flag = { flags: 1, timeUnixNano: at(2), attributes: [attribute("session.id", "A")] };
      await page.take([
        histogram("a", [point("A", ["1", "1", "1"], 6, 1), point("B", ["1", "0", "0"], 1, 1)]),
      ]);
      await page.take([histogram("a", [flag])]);
      await page.take([histogram("a", [point("A", ["2", "1", "3"], 16, 3)])]);
      expect(await page.lines()).toEqual([
        'a_bucket{le="1"} 3',
        'a_bucket{le="2"} 4',
        'a_bucket{le="+Inf"} 7',
        "a_sum 17",
        "a_count 7",
      ]);
    });

    test("counts the difference in an overflow", async () => {
      const page = passedPage({ maxSeries: 1 });
      await page.take([gauge("g", { asInt: "1" }), of("A", 100, 0, 10)]);
      await page.take([gone]);
      await page.take([of("A", 103, 0, 40)]);
      expect((await page.lines()).at(-1)).toBe('a_total{otel_metric_overflow="true"} 103');
    });
  });

  describe("histograms whose bounds change", () => {
    const of = (
      id: string,
      bounds: readonly number[],
      counts: readonly number[],
      [start, time]: readonly [number, number],
      temporality = cumulative,
    ) =>
      histogram(
        "a",
        [
          {
            count: String(counts.reduce((all, each) => all + each, 0)),
            explicitBounds: bounds,
            bucketCounts: counts.map(String),
            startTimeUnixNano: at(start),
            timeUnixNano: at(time),
            attributes: [attribute("run_id", id)],
          },
        ],
        temporality,
      );
    for (const [what, steps, want] of [
      [
        "deltas are added under the first bounds",
        [
          of("x", [1, 2], [1, 2, 3], [0, 1], delta),
          of("x", [1, 1.5, 4], [1, 2, 3, 4], [1, 2], delta),
        ],
        [2, 6, 16],
      ],
      [
        "deltas of a shared series are added under the first bounds",
        [
          of("x", [1, 2], [1, 2, 3], [0, 1], delta),
          of("y", [1, 2], [1, 2, 3], [0, 1], delta),
          of("x", [1, 1.5, 4], [1, 2, 3, 4], [1, 2], delta),
        ],
        [3, 9, 22],
      ],
      [
        "a cumulative stream of a shared series goes on under the first bounds",
        [
          of("x", [1, 2], [1, 2, 3], [0, 1]),
          of("y", [1, 2], [1, 2, 3], [0, 1]),
          of("x", [1, 1.5, 4], [1, 2, 3, 4], [0, 2]),
        ],
        [2, 6, 16],
      ],
      [
        "no bucket steps back when the new bounds are coarser",
        [
          of("x", [1, 2], [1, 2, 3], [0, 1]),
          of("y", [1, 2], [1, 2, 3], [0, 1]),
          of("x", [5], [9, 1], [0, 2]),
        ],
        [2, 6, 16],
      ],
      [
        "a stream that begins again with other bounds counts whole",
        [
          of("x", [1, 2], [1, 2, 3], [0, 1]),
          of("y", [1, 2], [1, 2, 3], [0, 1]),
          of("x", [1, 1.5, 4], [1, 2, 3, 4], [1, 2]),
        ],
        [3, 9, 22],
      ],
    ] as const) {
      test(what, async () => {
        const page = passedPage();
        for (const step of steps) {
          await page.take([step]);
        }
        expect(await page.lines()).toEqual([
          `a_bucket{le="1"} ${want[0]}`,
          `a_bucket{le="2"} ${want[1]}`,
          `a_bucket{le="+Inf"} ${want[2]}`,
          `a_count ${want[2]}`,
        ]);
      });
    }
  });

  test("what is not finite is left out of a total, and what follows counts from the value before", async () => {
    const page = passedPage();
    const of = (id: string, value: number | string, time: number) =>
      sum("a", [
        {
          asDouble: value,
          startTimeUnixNano: at(0),
          timeUnixNano: at(time),
          attributes: [attribute("session.id", id), attribute("model", "m")],
        },
      ]);
    await page.take([of("one", 5, 1), of("two", 7, 1)]);
    await page.take([of("one", "NaN", 2)]);
    expect(await page.lines()).toEqual(['a_total{model="m"} 12']);
    await page.take([of("one", 6, 3)]);
    expect(await page.lines()).toEqual(['a_total{model="m"} 13']);
  });

  test("histograms are added under the bounds of the first", async () => {
    const page = passedPage();
    const of = (id: string, bounds: readonly number[], counts: readonly string[]) =>
      histogram("a", [
        {
          sum: 1,
          explicitBounds: bounds,
          bucketCounts: counts,
          attributes: [attribute("run_id", id)],
        },
      ]);
    await page.take([
      of("x", [1, 2], ["1", "1", "1"]),
      of("y", [1, 2], ["2", "0", "0"]),
      of("z", [1.5, 2], ["1", "0", "5"]),
    ]);
    expect(await page.lines()).toEqual([
      'a_bucket{le="1"} 3',
      'a_bucket{le="2"} 5',
      'a_bucket{le="+Inf"} 11',
      "a_sum 3",
      "a_count 11",
    ]);
  });

  test("sums that can decrease are added while their streams live, and of gauges the last is shown", async () => {
    const page = passedPage({ expirationMs: 60_000 });
    const upDown = (points: readonly Json[]) => sum("a", points, { isMonotonic: false });
    await page.take([upDown([perSession("one", 5), perSession("two", 7)])]);
    await page.take([gauge("g", perSession("one", 5), perSession("two", 7))]);
    expect((await page.lines()).at(-1)).toBe('g{model="m"} 7');
    await page.take([gauge("g", perSession("one", 4, 2))]);
    expect(await page.lines()).toEqual(['a{model="m"} 12', 'g{model="m"} 4']);
    page.clock.advance(50_000);
    await page.take([upDown([perSession("two", 8, 2)])]);
    page.clock.advance(20_000);
    expect(await page.lines()).toEqual(['a{model="m"} 8']);
  });

  test("two processes without an instance id are added too", async () => {
    const page = passedPage();
    for (const pid of [1, 2]) {
      await page.take(
        [sum("a", [{ asInt: "5", timeUnixNano: at(1) }])],
        service("s", attribute("process.pid", pid)),
      );
    }
    expect((await page.lines()).slice(1)).toEqual(['a_total{job="s"} 10']);
  });

  test("nowhere: in attributes of resources and scopes, names and help texts", async () => {
    const id = "0af7651916cd43dd8448eb211c80319c";
    const page = passedPage({ resourceLabels: "all" });
    await page.take(
      [
        {
          ...gauge("a", { asInt: "1", attributes: [attribute("x", id), attribute(id, "x")] }),
          description: id,
        },
        gauge(`a.${id}`, { asInt: "1" }),
      ],
      {
        resource: {
          attributes: [
            attribute("service.name", "s"),
            attribute("tenant", id),
            attribute("session.id", "s1"),
            attribute("process.command_args", "--token=x"),
          ],
        },
        scope: { name: `scope-${id}`, attributes: [attribute("trace_id", "t1")] },
      },
    );
    expect(await page.passed.page(new Set())).toBe(
      [
        "# HELP target_info Target metadata",
        "# TYPE target_info gauge",
        'target_info{job="s"} 1',
        "# TYPE a gauge",
        'a{job="s",service_name="s"} 1',
        "",
      ].join("\n"),
    );
    expect(page.reported()).toMatchObject({ "point id_in_name": 1, "label command_line": 2 });
  });
});

test("a session key or a short id shows in no help text, label or name, wherever it is in there", async () => {
  const page = passedPage();
  await page.take([
    {
      ...gauge("t", {
        asInt: "1",
        attributes: [
          attribute("error", "session file locked: agent:main:telegram:group"),
          attribute("state", { kvlistValue: { values: [attribute("session.id", "main")] } }),
          attribute("url.query", "session=agent%3Amain%3Amain"),
          attribute("tool", "call_a"),
        ],
      }),
      description: "waits for session=agent:main:main",
    },
    gauge("session.agent:main:x", { asInt: "1" }),
    gauge("a.run-42", { asInt: "1" }),
    { ...gauge("b", { asInt: "1" }), unit: "agent:main:x" },
    gauge("run_mode.call_count", { asInt: "1" }),
  ]);
  expect(await page.passed.page(new Set())).toBe(
    "# TYPE t gauge\nt 1\n# TYPE run_mode_call_count gauge\nrun_mode_call_count 1\n",
  );
  expect(page.reported()).toEqual({
    "label id_key": 1,
    "label id_value": 2,
    "label not_scalar": 1,
    "point id_in_name": 3,
  });
});

test("maps, bytes, nested lists and lists of more than short words are no labels, wherever they are", async () => {
  const text = (stringValue: string) => ({ stringValue });
  const list = (...values: readonly Json[]) => ({ arrayValue: { values } });
  const attributes = [
    attribute("m", { kvlistValue: { values: [attribute("k", "kitchen")] } }),
    attribute("b", { bytesValue: "AQI=" }),
    attribute("ll", list(list(text("kitchen")))),
    attribute("lm", list({ kvlistValue: { values: [attribute("k", "kitchen")] } })),
    attribute("lb", list(text("a"), { bytesValue: "AQI=" })),
    attribute("l", list(text("--kitchen"))),
  ];
  const page = passedPage();
  await page.take([gauge("a", { asInt: "1", attributes })], {
    resource: { attributes: [attribute("service.name", "s"), ...attributes] },
    scope: { name: "lib", attributes },
  });
  expect(await page.lines()).toEqual([
    'target_info{job="s"} 1',
    'a{job="s",otel_scope_name="lib"} 1',
  ]);
  expect(page.reported()).toEqual({ "label not_scalar": 18 });
});

describe("a time more than a day ahead of our clock counts as none", () => {
  const never = "18446744073709551615";

  test("so that the series goes on with the next value", async () => {
    const page = passedPage();
    await page.take([gauge("a", { asInt: "3", timeUnixNano: never })]);
    await page.take([gauge("a", { asInt: "4", timeUnixNano: at(1) })]);
    await page.take([gauge("a", { asInt: "3", timeUnixNano: at(0) })]);
    expect(await page.lines()).toEqual(["a 4"]);
    expect(page.reported()).toEqual({ "point late": 1 });
  });

  test("also of deltas and of their start", async () => {
    const page = passedPage();
    const of = (asInt: string, startTimeUnixNano: string, timeUnixNano: string) =>
      page.take([
        sum("a", [{ asInt, startTimeUnixNano, timeUnixNano }], { aggregationTemporality: delta }),
      ]);
    await of("1", never, never);
    await of("2", at(0), at(1));
    await of("4", never, at(2));
    expect(await page.lines()).toEqual(["a_total 7"]);
    expect(page.reported()).toEqual({});
  });

  test("as a start it is no reset", async () => {
    const page = passedPage();
    const of = (id: string, asInt: string, startTimeUnixNano: string, second: number) =>
      page.take([
        sum("a", [
          {
            asInt,
            startTimeUnixNano,
            timeUnixNano: at(second),
            attributes: [attribute("run_id", id)],
          },
        ]),
      ]);
    await of("one", "5", at(0), 1);
    await of("two", "1", at(0), 1);
    await of("one", "6", never, 2);
    expect(await page.lines()).toEqual(["a_total 7"]);
  });

  test("and is not shown; up to a day it is the sender's", async () => {
    const page = passedPage();
    const ahead = (hours: number) => `${page.clock.unixMs() + hours * 3_600_000}000000`;
    await page.take([
      gauge("a", { asInt: "1", timeUnixNano: ahead(25) }),
      gauge("b", { asInt: "1", timeUnixNano: ahead(23) }),
    ]);
    const text = await page.passed.page(new Set(), { sendTimestamps: true });
    expect(text.split("\n").filter((line) => /^[ab]/.test(line))).toEqual([
      "a 1",
      `b 1 ${ahead(23).slice(0, -6)}`,
    ]);
  });
});

describe("one page is valid whatever is sent", () => {
  test("the first metric decides the type of a name and its help", async () => {
    const page = passedPage();
    await page.take([{ ...gauge("a", { asInt: "1" }), description: "first" }]);
    await page.take([
      { ...gauge("a", { asInt: "2", attributes: [attribute("x", "y")] }), description: "second" },
    ]);
    await page.take([histogram("a", [{ count: "1" }])]);
    expect(await page.passed.page(new Set())).toBe(
      '# HELP a first\n# TYPE a gauge\na 1\na{x="y"} 2\n',
    );
    expect(page.reported()).toEqual({ "point type_conflict": 1 });
  });

  test("no two metrics have lines of one name", async () => {
    const page = passedPage({ reserved: new Set(["own_total"]) });
    await page.take([
      histogram("a", [{ count: "1" }]),
      gauge("a.count", { asInt: "1" }),
      gauge("b.sum", { asInt: "1" }),
      histogram("b", [{ count: "1" }]),
      sum("own", [{ asInt: "1" }]),
      gauge("target.info", { asInt: "1" }),
    ]);
    expect(await page.lines()).toEqual(['a_bucket{le="+Inf"} 1', "a_count 1", "b_sum 1"]);
    expect(page.reported()).toEqual({ "point name_conflict": 4 });
  });

  test("a family that another source shows at this scrape is left out of it", async () => {
    const page = passedPage();
    await page.take([gauge("a", { asInt: "1" }), gauge("b", { asInt: "1" })]);
    expect(await page.passed.page(new Set(["a"]))).toBe("# TYPE b gauge\nb 1\n");
  });

  test("names without a letter, and points that make no sense, are dropped and counted", async () => {
    const page = passedPage();
    await page.take([
      gauge("", { asInt: "1" }),
      gauge("日本", { asInt: "1" }),
      gauge("a".repeat(300), { asInt: "1" }),
      gauge("none", {}),
      histogram("h", [
        { count: "1", explicitBounds: [1, 2], bucketCounts: ["1"] },
        { count: "1", explicitBounds: [2, 1], bucketCounts: ["1", "0", "0"] },
        { count: "1", explicitBounds: ["NaN"], bucketCounts: ["1", "0"] },
        {
          count: "1",
          explicitBounds: Array.from({ length: 600 }, (_, i) => i),
          bucketCounts: Array.from({ length: 601 }, () => "0"),
        },
      ]),
      exponential("e", [{ count: "1", scale: 5000, positive: { offset: 0, bucketCounts: ["1"] } }]),
      {
        name: "s",
        summary: { dataPoints: [{ count: "1", quantileValues: [{ quantile: 2, value: 1 }] }] },
      },
      { name: "nothing" },
    ]);
    expect(await page.lines()).toEqual([]);
    expect(page.reported()).toEqual({
      "point invalid_name": 2,
      "point too_large": 2,
      "point malformed": 6,
    });
  });

  test("long values are cut, long and too many labels are left out", async () => {
    const page = passedPage();
    await page.take([
      gauge("a", {
        asInt: "1",
        attributes: [
          attribute("v", "é ".repeat(1_000)),
          attribute("n".repeat(300), "x"),
          ...Array.from({ length: 70 }, (_, i) => attribute(`l${i}`, "x")),
        ],
      }),
    ]);
    const [line = ""] = await page.lines();
    expect(line.match(/="/g)?.length).toBe(64);
    expect(page.reported()).toEqual({ truncated: 1, "label too_long": 1, "label too_many": 7 });
  });
});

describe("bounds", () => {
  const flood = (count: number, more: Json = {}, from = 0) =>
    sum(
      "a",
      Array.from({ length: count }, (_, i) => ({
        asInt: "1",
        startTimeUnixNano: at(0),
        timeUnixNano: at(1),
        attributes: [attribute("v", `v${from + i}`)],
      })),
      more,
    );

  test("beyond max_series a metric is added up in its overflow", async () => {
    const page = passedPage({ maxSeries: 3, constLabels: { c: "d" } });
    await page.take([flood(5)]);
    expect(await page.lines()).toEqual([
      'a_total{c="d",v="v0"} 1',
      'a_total{c="d",v="v1"} 1',
      'a_total{c="d",v="v2"} 1',
      'a_total{c="d",otel_metric_overflow="true"} 2',
    ]);
    expect(page.reported()).toEqual({ overflowed: 2 });
  });

  test("streams that cannot be followed any more are dropped, but deltas count", async () => {
    const page = passedPage({ maxSeries: 3 });
    await page.take([flood(10)]);
    expect((await page.lines()).at(-1)).toBe('a_total{otel_metric_overflow="true"} 3');
    await page.take([flood(10, { aggregationTemporality: delta }, 100)]);
    expect((await page.lines()).at(-1)).toBe('a_total{otel_metric_overflow="true"} 13');
    expect(page.reported()).toEqual({ overflowed: 13, "point series_limit": 4 });
  });

  for (const [what, metric, want] of [
    ["a gauge", gauge("b", { asInt: "1" }), ["b{OVERFLOW} 1"]],
    ["a counter", sum("b", [{ asInt: "1" }]), ["b_total{OVERFLOW} 1"]],
    [
      "two streams of a counter",
      sum("b", [{ asInt: "1" }, { asInt: "2", attributes: [attribute("x", "y")] }]),
      ["b_total{OVERFLOW} 3"],
    ],
    [
      "deltas",
      sum(
        "b",
        [
          { asInt: "1", startTimeUnixNano: at(0), timeUnixNano: at(1) },
          { asInt: "2", startTimeUnixNano: at(1), timeUnixNano: at(2) },
        ],
        { aggregationTemporality: delta },
      ),
      ["b_total{OVERFLOW} 3"],
    ],
    [
      "a histogram",
      histogram("b", [{ count: "3", explicitBounds: [1], bucketCounts: ["1", "2"] }]),
      ['b_bucket{OVERFLOW,le="1"} 1', 'b_bucket{OVERFLOW,le="+Inf"} 3', "b_count{OVERFLOW} 3"],
    ],
  ] as const) {
    test(`a metric that is new when max_series is reached has an overflow: ${what}`, async () => {
      const page = passedPage({ maxSeries: 2 });
      await page.take([gauge("a", { asInt: "1" }), gauge("c", { asInt: "1" })]);
      await page.take([metric]);
      expect(await page.lines()).toEqual([
        "a 1",
        "c 1",
        ...want.map((line) => line.replace("OVERFLOW", 'otel_metric_overflow="true"')),
      ]);
      expect(Object.keys(page.reported())).toEqual(["overflowed"]);
    });
  }

  test("a metric that is new has an overflow even if other metrics have used up the streams", async () => {
    const page = passedPage({ maxSeries: 2 });
    await page.take([flood(10), gauge("b", { asInt: "1" }), gauge("b", { asInt: "2" })]);
    expect((await page.lines()).at(-1)).toBe('b{otel_metric_overflow="true"} 2');
    expect(page.reported()).toEqual({ overflowed: 4, "point series_limit": 6 });
  });

  test("overflows of new metrics are bounded, counted beyond that, and make room when they expire", async () => {
    const page = passedPage({ maxSeries: 1, expirationMs: 60_000 });
    const metrics = (name: string) =>
      Array.from({ length: 1_500 }, (_, i) => sum(`${name}${i}`, [{ asInt: "1" }]));
    await page.take(metrics("a"));
    expect((await page.lines()).length).toBe(1_001);
    expect(page.reported()).toEqual({ overflowed: 1_000, "point series_limit": 499 });
    page.clock.advance(60_001);
    await page.take(metrics("b"));
    expect((await page.lines()).length).toBe(1_001);
    expect(page.passed.seriesCount).toBe(1_001);
  });

  test("overflows of large histograms are bounded by their lines", async () => {
    const page = passedPage({ maxSeries: 10 });
    const large = (name: string) =>
      histogram(
        name,
        [
          {
            count: "1",
            explicitBounds: Array.from({ length: 500 }, (_, bound) => bound),
            bucketCounts: Array.from({ length: 501 }, (_, bound) => (bound === 0 ? "1" : "0")),
          },
        ],
        delta,
      );
    await page.take(Array.from({ length: 100 }, (_, i) => large(`h${i}`)));
    expect((await page.lines()).length).toBeLessThan(10 * 64 + 1);
    expect(page.reported()).toEqual({ overflowed: 1, "point series_limit": 99 });
  });

  test("the memory of streams that ended gives way to streams that live", async () => {
    const page = passedPage({ maxSeries: 2, expirationMs: 60_000 });
    const session = (id: number, value: number, time: number) =>
      sum("a", [
        {
          asInt: String(value),
          startTimeUnixNano: at(0),
          timeUnixNano: at(time),
          attributes: [attribute("session.id", `s${id}`)],
        },
      ]);
    let want = 1;
    await page.take([session(0, 1, 1)]);
    for (let id = 1; id < 50; id += 1) {
      await page.take([session(id, 5, id), session(0, 1, id)]);
      want += 5;
      page.clock.advance(40_000);
      await page.take([session(0, 1, id)]);
      page.clock.advance(40_000);
      await page.take([session(0, 1, id)]);
      expect(await page.lines()).toEqual([`a_total ${want}`]);
    }
    await page.take([session(49, 7, 60)]);
    expect(await page.lines(), "remembered").toEqual([`a_total ${want + 2}`]);
    await page.take([session(1, 7, 60)]);
    expect(await page.lines(), "forgotten").toEqual([`a_total ${want + 9}`]);
    expect(page.reported()).toEqual({ "label id_key": 51 });
  });

  test("what has expired makes room", async () => {
    const page = passedPage({ maxSeries: 3, expirationMs: 60_000 });
    await page.take([flood(3)]);
    page.clock.advance(60_001);
    await page.take([flood(3, {}, 100)]);
    expect((await page.lines()).length).toBe(3);
    expect(page.reported()).toEqual({});
  });

  test("long labels count as more", async () => {
    const page = passedPage({ maxSeries: 10 });
    const long = Array.from({ length: 8 }, (_, i) => attribute(`l${i}`, "x ".repeat(500)));
    const points = Array.from({ length: 10 }, (_, i) => ({
      asInt: "1",
      attributes: [attribute("v", `v${i}`), ...long],
    }));
    await page.take([sum("a", points)]);
    expect((await page.passed.page(new Set())).length).toBeLessThan(10 * 1_024);
    expect((await page.lines()).at(-1)).toBe('a_total{otel_metric_overflow="true"} 9');
  });

  test("large histograms count as more", async () => {
    const page = passedPage({ maxSeries: 10 });
    const points = Array.from({ length: 10 }, (_, i) => ({
      count: "1",
      explicitBounds: Array.from({ length: 100 }, (_, bound) => bound),
      bucketCounts: Array.from({ length: 101 }, () => "1"),
      attributes: [attribute("v", `v${i}`)],
    }));
    await page.take([histogram("a", points)]);
    expect((await page.lines()).length).toBeLessThan(10 * 64);
    expect(page.reported()).toMatchObject({ overflowed: expect.any(Number) });
  });
});

describe("options", () => {
  const metrics = [
    { ...sum("a.b", [{ asInt: "1", attributes: [attribute("c", "x")] }]), unit: "By" },
  ];
  const around = {
    resource: { attributes: [attribute("service.name", "s"), attribute("zone", "z")] },
    scope: { name: "lib" },
  };

  for (const [what, options, want] of [
    [
      "namespace",
      { namespace: "my.ns" },
      'my_ns_a_b_bytes_total{job="s",otel_scope_name="lib",c="x"} 1',
    ],
    [
      "const_labels win",
      { constLabels: { c: "own" } },
      'a_b_bytes_total{c="own",job="s",otel_scope_name="lib",exported_c="x"} 1',
    ],
    ["without_scope_info", { scopeLabels: false }, 'a_b_bytes_total{job="s",c="x"} 1'],
    [
      "add_metric_suffixes: false",
      { suffixes: false },
      'a_b{job="s",otel_scope_name="lib",c="x"} 1',
    ],
    [
      "resource_to_telemetry_conversion",
      { resourceLabels: "all" },
      'a_b_bytes_total{job="s",otel_scope_name="lib",c="x",service_name="s",zone="z"} 1',
    ],
    [
      "exclude_service_attributes",
      { resourceLabels: "all_but_service" },
      'a_b_bytes_total{job="s",otel_scope_name="lib",c="x",zone="z"} 1',
    ],
  ] as const) {
    test(what, async () => {
      const page = passedPage(options);
      await page.take(metrics, around);
      expect((await page.lines()).at(-1)).toBe(want);
    });
  }

  test("the order of attributes does not make another stream", async () => {
    const page = passedPage();
    const [x, y] = [attribute("x", "1"), attribute("y", "2")];
    await page.take([sum("a", [{ asInt: "1", timeUnixNano: at(1), attributes: [x, y] }])]);
    await page.take([sum("a", [{ asInt: "2", timeUnixNano: at(2), attributes: [y, x] }])]);
    expect(await page.lines()).toEqual(['a_total{x="1",y="2"} 2']);
    expect(cumulative).toBe(2);
  });
});

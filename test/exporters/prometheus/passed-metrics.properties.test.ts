import { expect, test } from "vitest";
import fc from "../../support/fast-check.ts";
import {
  attribute,
  delta,
  histogram,
  type Json,
  passedPage,
  requestOf,
  sum,
} from "./passed-page.ts";

/** What a sender does between two exports. */
const step = fc.record({
  stream: fc.nat(2),
  add: fc.nat(50),
  event: fc.constantFrom("export", "export", "export", "reset", "restart", "pause", "gone", "late"),
});

interface Sender {
  total: number;
  startSecond: number;
  /** All that it ever counted. */
  ever: number;
  lastSecond: number;
}

function counterOf(value: number, sender: Sender, second: number, stream: number): Json {
  return {
    asInt: String(value),
    startTimeUnixNano: `${1_700_000_000 + sender.startSecond}000000000`,
    timeUnixNano: `${1_700_000_000 + second}000000000`,
    attributes: [attribute("session.id", `s${stream}`)],
  };
}

for (const isDelta of [false, true]) {
  test(`${isDelta ? "delta" : "cumulative"} streams of one series never step back, and add up to all that was sent`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const page = passedPage({ expirationMs: 60_000 });
        const senders = new Map<number, Sender>();
        let second = 1;
        let before = 0;
        const export_ = async (stream: number, add: number, isReset: boolean, isLate: boolean) => {
          const sender = senders.get(stream) ?? {
            total: 0,
            startSecond: second,
            ever: 0,
            lastSecond: second,
          };
          senders.set(stream, sender);
          if (isReset) {
            sender.total = 0;
            sender.startSecond = second;
          }
          sender.total += add;
          sender.ever += add;
          second += 1;
          const value = isDelta ? add : sender.total;
          const from = isDelta ? { ...sender, startSecond: sender.lastSecond } : sender;
          const temporality = isDelta ? { aggregationTemporality: delta } : {};
          await page.take([sum("a", [counterOf(value, from, second, stream)], temporality)]);
          if (isLate) {
            await page.take([sum("a", [counterOf(value, from, second - 1, stream)], temporality)]);
          }
          sender.lastSecond = second;
        };
        // Two streams from the start, so that the series is one that counts on.
        await export_(0, 1, false, false);
        await export_(1, 1, false, false);
        for (const { stream, add, event } of steps) {
          if (event === "gone") {
            const flag = { flags: 1, attributes: [attribute("session.id", "s1")] };
            await page.take([sum("a", [flag])]);
          } else if (event === "restart" || event === "pause") {
            // One stream keeps the series alive.
            await export_(0, 0, false, false);
            page.clock.advance(50_000);
            await export_(0, 0, false, false);
            page.clock.advance(20_000);
            for (const other of [1, 2]) {
              const gone = senders.get(other);
              // What has expired begins anew, as a process does that was started again, or goes on.
              if (gone !== undefined && event === "restart") {
                gone.total = 0;
                gone.startSecond = second;
              }
            }
          } else {
            await export_(stream, add, event === "reset", event === "late");
          }
          const [line = ""] = await page.lines();
          const value = Number(line.split(" ").at(-1));
          expect(value).toBeGreaterThanOrEqual(before);
          before = value;
          expect(value).toBe([...senders.values()].reduce((all, { ever }) => all + ever, 0));
        }
      }),
      { numRuns: 300 },
    );
  });
}

test("a total of decimals never steps back, whichever streams end and come back", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ stream: fc.nat(5), add: fc.nat(1_000), isGone: fc.boolean() })),
      async (steps) => {
        const page = passedPage();
        const values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
        const export_ = (stream: number, second: number, more: Json = {}) =>
          page.take([
            sum("a", [
              {
                asDouble: values[stream],
                startTimeUnixNano: "1700000000000000000",
                timeUnixNano: `${1_700_000_000 + second}000000000`,
                attributes: [attribute("session.id", `s${stream}`)],
                ...more,
              },
            ]),
          ]);
        await export_(0, 1);
        await export_(1, 1);
        let before = 0;
        for (const [index, { stream, add, isGone }] of steps.entries()) {
          values[stream] = (values[stream] ?? 0) + add / 10;
          await export_(stream, index + 2);
          if (isGone && stream > 0) {
            await export_(stream, index + 2, { flags: 1 });
          }
          const [line = ""] = await page.lines();
          const value = Number(line.split(" ").at(-1));
          expect(value).toBeGreaterThanOrEqual(before);
          before = value;
        }
      },
    ),
    { numRuns: 200 },
  );
});

test("of one stream the page shows what was sent last", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(1_000), { minLength: 1 }), async (values) => {
      const page = passedPage();
      for (const [index, value] of values.entries()) {
        await page.take([
          sum("a", [
            counterOf(value, { total: 0, startSecond: 0, ever: 0, lastSecond: 0 }, index + 1, 0),
          ]),
        ]);
        expect(await page.lines()).toEqual([`a_total ${value}`]);
      }
    }),
    { numRuns: 50 },
  );
});

test("coinciding histograms with any bounds have buckets that ascend up to the count", async () => {
  const point = fc
    .uniqueArray(fc.integer({ min: -20, max: 20 }), { maxLength: 6 })
    .map((bounds) => bounds.toSorted((a, b) => a - b))
    .chain((bounds) =>
      fc.record({
        explicitBounds: fc.constant(bounds),
        bucketCounts: fc.array(fc.nat(9), {
          minLength: bounds.length + 1,
          maxLength: bounds.length + 1,
        }),
        run: fc.nat(3),
      }),
    );
  await fc.assert(
    fc.asyncProperty(fc.array(point, { minLength: 1, maxLength: 12 }), async (points) => {
      const page = passedPage();
      for (const [index, { explicitBounds, bucketCounts, run }] of points.entries()) {
        await page.take([
          histogram("a", [
            {
              explicitBounds,
              bucketCounts: bucketCounts.map(String),
              timeUnixNano: `${1_700_000_000 + index}000000000`,
              attributes: [attribute("run.id", `r${run}`)],
            },
          ]),
        ]);
      }
      const counts = (await page.lines()).map((line) => Number(line.split(" ").at(-1)));
      expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    }),
    { numRuns: 200 },
  );
});

test("no bytes make it throw", async () => {
  const valid = requestOf([
    sum("a", [{ asInt: "1", attributes: [attribute("x", "y")] }]),
    histogram("h", [{ count: "1", explicitBounds: [1], bucketCounts: ["1", "0"] }]),
    {
      name: "e",
      exponentialHistogram: {
        aggregationTemporality: 2,
        dataPoints: [{ count: "1", scale: 1, positive: { offset: 1, bucketCounts: ["1"] } }],
      },
    },
    {
      name: "s",
      summary: { dataPoints: [{ count: "1", quantileValues: [{ quantile: 0.5, value: 1 }] }] },
    },
  ]);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.nat(valid.length),
      async (changes, length) => {
        const bytes = valid.slice(0, length === 0 ? valid.length : length);
        for (const [at, byte] of changes) {
          if (at < bytes.length) {
            bytes[at] = byte;
          }
        }
        const page = passedPage();
        await page.passed.take(bytes);
        for (const line of await page.lines()) {
          expect(line).toMatch(/^[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? (NaN|[+-]Inf|[-+0-9.e]+)$/);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

import { TracerProvider } from "@opentelemetry/sdk-trace";
import { expect, test } from "vitest";
import { createResourceOf, liveSpanOf } from "../../src/preload/live-span.ts";
import { OpenWorkTable } from "../../src/preload/open-work-table.ts";
import { isStartedSpan } from "../../src/preload/started-span.ts";

const tracer = new TracerProvider().getTracer("test");
const resourceOf = createResourceOf();

function start(name: string) {
  const span = tracer.startSpan(name);
  if (!isStartedSpan(span)) {
    throw new Error("The SDK's spans are not what they were.");
  }
  return { end: () => span.end(), work: { span, live: liveSpanOf(span, resourceOf) } };
}

const names = ({ unsent }: OpenWorkTable, max = 100) =>
  unsent.head(max).map(({ live }) => live.name);

test("what was added waits, oldest first, until it is sent", () => {
  const table = new OpenWorkTable(10);
  const [a, b, c] = [start("a"), start("b"), start("c")];
  for (const { work } of [a, b, c]) {
    table.add(work);
  }
  expect(names(table, 2)).toEqual(["a", "b"]);
  expect(names(table, 2)).toEqual(["a", "b"]);
  table.unsent.remove(table.unsent.head(2));
  expect(names(table)).toEqual(["c"]);
});

test("what ended before it was sent is not sent", () => {
  const table = new OpenWorkTable(10);
  const a = start("a");
  table.add(a.work);
  a.end();
  table.sweep();
  expect(names(table)).toEqual([]);
  expect(table.size).toBe(0);
});

test("sending again includes all open work and none that ended", () => {
  const table = new OpenWorkTable(10);
  const [a, b] = [start("a"), start("b")];
  table.add(a.work);
  table.add(b.work);
  table.unsent.remove(table.unsent.head(10));
  a.end();
  table.resend();
  expect(names(table)).toEqual(["b"]);
});

test("at the bound ended work is dropped first", () => {
  const table = new OpenWorkTable(2);
  const [a, b, c] = [start("a"), start("b"), start("c")];
  table.add(a.work);
  table.add(b.work);
  b.end();
  table.add(c.work);
  expect(names(table)).toEqual(["a", "c"]);
  expect(table.unsent.lost).toBe(0);
});

test("at the bound the oldest work is dropped, and counted when it had not been sent to the collector", () => {
  const table = new OpenWorkTable(2);
  const [a, b, c, d] = [start("a"), start("b"), start("c"), start("d")];
  table.add(a.work);
  table.unsent.remove(table.unsent.head(1));
  table.add(b.work);
  table.add(c.work);
  expect(table.unsent.lost).toBe(0);
  table.add(d.work);
  expect(table.unsent.lost).toBe(1);
  expect(names(table)).toEqual(["c", "d"]);
});

import { TracerProvider } from "@opentelemetry/sdk-trace";
import { expect, test } from "vitest";
import { createResourceOf, endedSpanOf, liveSpanOf } from "../../src/preload/live-span.ts";
import { OpenSpans } from "../../src/preload/open-spans.ts";
import { isStartedSpan, type StartedSpan } from "../../src/preload/started-span.ts";

const tracer = new TracerProvider().getTracer("test");
const resourceOf = createResourceOf();

function start(name: string): {
  readonly span: StartedSpan;
  end(time?: [number, number]): void;
} {
  const span = tracer.startSpan(name, { startTime: [1_700_000_000, 0] });
  if (!isStartedSpan(span)) {
    throw new Error("The SDK's spans are not what they were.");
  }
  return { span, end: (time) => span.end(time) };
}

function openSpans(max: number) {
  const spans = new OpenSpans(max, (span) => endedSpanOf(span, resourceOf, 0));
  return {
    spans,
    add: ({ span }: { readonly span: StartedSpan }, isDecided = true) =>
      spans.add(span, liveSpanOf(span, resourceOf), { isDecided }),
    /** Takes a request. */
    take: (most = 100) =>
      spans.take(most).map(({ live, isEnd }) => `${isEnd ? "end" : "start"} ${live.name}`),
    /** Takes a request that the collector accepts. */
    send(most = 100): void {
      spans.settle(spans.take(most), { isAccepted: true });
    },
  };
}

test("what was added waits, oldest first, until it is sent", () => {
  const { spans, add, take, send } = openSpans(10);
  for (const name of ["a", "b", "c"]) {
    add(start(name));
  }
  expect(take(2)).toEqual(["start a", "start b"]);
  spans.keep();
  expect(take(2)).toEqual(["start a", "start b"]);
  send(2);
  expect(take()).toEqual(["start c"]);
});

test("neither start nor end is sent of what ended before its start was sent", () => {
  const { spans, add, take } = openSpans(10);
  const a = start("a");
  add(a);
  a.end();
  spans.sweep();
  expect(take()).toEqual([]);
  expect(spans.size).toBe(0);
});

test("of what ends while its start is being sent the end follows, if the start is accepted", () => {
  for (const isAccepted of [true, false]) {
    const { spans, add, take } = openSpans(10);
    const a = start("a");
    add(a);
    const batch = spans.take(10);
    a.end();
    spans.sweep();
    spans.settle(batch, { isAccepted });
    spans.sweep();
    expect(take()).toEqual(isAccepted ? ["end a"] : []);
    expect(spans.size).toBe(0);
  }
});

test("spans that ended meanwhile are reported in the order of their ends", () => {
  const { spans, add, take, send } = openSpans(10);
  const [a, b] = [start("a"), start("b")];
  add(a);
  add(b);
  send();
  b.end([1_800_000_000, 1]);
  a.end([1_800_000_000, 2]);
  spans.sweep();
  expect(take()).toEqual(["end b", "end a"]);
});

test("ends come before starts", () => {
  const { spans, add, take, send } = openSpans(10);
  const a = start("a");
  add(a);
  send();
  add(start("b"));
  a.end();
  spans.sweep();
  expect(take(1)).toEqual(["end a"]);
  expect(take()).toEqual(["end a", "start b"]);
});

test("sending again includes all open spans and none that ended", () => {
  const { spans, add, take, send } = openSpans(10);
  const a = start("a");
  add(a);
  add(start("b"));
  send();
  a.end();
  spans.resend();
  expect(take()).toEqual(["end a", "start b"]);
});

test("a span that was not decided is read again until it is", () => {
  const { spans, add, take, send } = openSpans(10);
  add(start("a"), false);
  add(start("b"));
  send();
  spans.readAgain(() => undefined);
  expect(take()).toEqual([]);
  const read: string[] = [];
  const reading = (span: StartedSpan) => {
    read.push(span.name);
    return liveSpanOf(span, resourceOf);
  };
  spans.readAgain(reading);
  spans.readAgain(reading);
  expect(read).toEqual(["a"]);
  expect(take()).toEqual(["start a"]);
});

test("started spans are kept until they are taken, without those that have ended", () => {
  const { spans } = openSpans(2);
  const [a, b, c, d] = [start("a"), start("b"), start("c"), start("d")];
  spans.collect(a.span);
  spans.collect(b.span);
  b.end();
  spans.collect(c.span);
  expect(spans.lost).toBe(0);
  spans.collect(d.span);
  expect(spans.lost).toBe(1);
  expect(spans.takeStarted().map(({ name }) => name)).toEqual(["c", "d"]);
  expect(spans.takeStarted()).toEqual([]);
});

test("at the bound ended spans are dropped first", () => {
  const { spans, add, take } = openSpans(2);
  const [a, b, c] = [start("a"), start("b"), start("c")];
  add(a);
  add(b);
  b.end();
  add(c);
  expect(take()).toEqual(["start a", "start c"]);
  expect(spans.lost).toBe(0);
});

test("at the bound the oldest span is dropped, and counted when the collector does not know it", () => {
  const { spans, add, take, send } = openSpans(2);
  add(start("a"));
  send(1);
  add(start("b"));
  add(start("c"));
  expect(spans.lost).toBe(0);
  add(start("d"));
  expect(spans.lost).toBe(1);
  expect(take()).toEqual(["start c", "start d"]);
});

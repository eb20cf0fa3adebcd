import { describe, expect, test } from "vitest";
import { DeliveryWatch } from "../../src/component/delivery-watch.ts";
import type { AttemptResult } from "../../src/delivery/attempt.ts";
import type { Payload } from "../../src/otlp/payload.ts";
import { noDeadline } from "../exporters/settings.ts";
import { deferred } from "../support/deferred.ts";
import { delivery, payloadOf, refused, settled, unavailable, whenAborted } from "./harness.ts";

describe("a queue in memory", () => {
  test("accepts at once and sends in the background", async () => {
    const subject = delivery();
    const answer = deferred<AttemptResult>();
    subject.backend.answer = () => answer.promise;
    await subject.start();
    expect(await subject.consume("abc")).toEqual({ status: "accepted" });
    await settled();
    expect(subject.attempts).toEqual(["abc"]);
    expect(subject.counts.sent.value).toBe(0);
    answer.resolve({ status: "sent" });
    await settled();
    expect(subject.counts.sent.value).toBe(3);
    await subject.shutdown(noDeadline());
  });

  test("sends at most num_consumers at a time, and the rest in order", async () => {
    const subject = delivery({ sending_queue: { num_consumers: 2 } });
    const answers: ((result: AttemptResult) => void)[] = [];
    subject.backend.answer = () => new Promise((resolve) => answers.push(resolve));
    await subject.start();
    for (const text of ["a", "b", "c", "d"]) {
      await subject.consume(text);
    }
    await settled();
    expect(subject.attempts).toEqual(["a", "b"]);
    answers[0]!({ status: "sent" });
    await settled();
    expect(subject.attempts).toEqual(["a", "b", "c"]);
    for (let index = 1; index < 4; index++) {
      answers[index]!({ status: "sent" });
      await settled();
    }
    expect(subject.sent).toEqual(["a", "b", "c", "d"]);
    await subject.shutdown(noDeadline());
  });

  for (const [sizer, queue_size, fitting] of [
    ["requests", 2, 2],
    ["items", 7, 2],
    ["bytes", 6, 2],
  ] as const) {
    test(`is full at queue_size ${sizer}, counting what is being sent; the sender is asked to retry`, async () => {
      const subject = delivery({ sending_queue: { queue_size, sizer } });
      subject.backend.answer = (_, abort) => whenAborted(abort);
      await subject.start();
      for (let index = 0; index < fitting; index++) {
        expect(await subject.consume("abc")).toEqual({ status: "accepted" });
      }
      expect(await subject.consume("abc")).toEqual({
        status: "retryable",
        message: "The sending queue is full.",
      });
      expect(subject.counts.enqueueFailed.value).toBe(3);
      expect(subject.log).toMatchObject([
        { level: "warn", fields: { signal: "traces", queue_capacity: queue_size } },
      ]);
      expect(await subject.balance()).toEqual({ in: 9, out: 9 });
      await subject.shutdown(AbortSignal.abort()).catch(() => {});
    });
  }

  test("refuses for good what would not fit into the empty queue", async () => {
    const subject = delivery({ sending_queue: { queue_size: 2, sizer: "items" } });
    await subject.start();
    expect(await subject.consume("abc")).toMatchObject({ status: "permanent" });
    expect(subject.counts.enqueueFailed.value).toBe(3);
    await subject.shutdown(noDeadline());
  });

  test("with block_on_overflow a sender waits for room, in order", async () => {
    const subject = delivery({ sending_queue: { queue_size: 1, block_on_overflow: true } });
    const answers: ((result: AttemptResult) => void)[] = [];
    subject.backend.answer = () => new Promise((resolve) => answers.push(resolve));
    await subject.start();
    const accepted: string[] = [];
    for (const text of ["a", "b", "c"]) {
      void subject.consume(text).then(() => accepted.push(text));
    }
    await settled();
    expect(accepted).toEqual(["a"]);
    answers[0]!({ status: "sent" });
    await settled();
    expect(accepted).toEqual(["a", "b"]);
    const ended = subject.shutdown(noDeadline());
    answers[1]!({ status: "sent" });
    await ended;
    expect(accepted).toEqual(["a", "b", "c"]);
    expect(subject.sent).toEqual(["a", "b"]);
    expect(subject.counts.enqueueFailed.value).toBe(1);
  });

  test("with wait_for_result a sender gets the result of sending", async () => {
    const subject = delivery({
      sending_queue: { wait_for_result: true },
      retry_on_failure: { enabled: false },
    });
    subject.backend.answer = (text) =>
      text === "good" ? { status: "sent" } : text === "bad" ? refused : unavailable;
    await subject.start();
    expect(await subject.consume("good")).toEqual({ status: "accepted" });
    expect(await subject.consume("bad")).toEqual({ status: "permanent", message: "Bad request." });
    expect(await subject.consume("later")).toEqual(unavailable);
    await subject.shutdown(noDeadline());
  });

  test("is published with its size, capacity and items", async () => {
    const subject = delivery();
    subject.backend.answer = (_, abort) => whenAborted(abort);
    await subject.start();
    await subject.consume("abc");
    await subject.consume("de");
    const page = await subject.ownMetrics();
    const at = '{data_type="traces",exporter="otlp_http"}';
    expect(page).toContain(`otelcol_exporter_queue_size${at} 2`);
    expect(page).toContain(`otelcol_exporter_queue_capacity${at} 1000`);
    expect(page).toContain(`otelcol_exporter_queue_items${at} 5`);
    await subject.shutdown(AbortSignal.abort()).catch(() => {});
  });
});

describe("a backend that cannot take data now", () => {
  test("gets it again until it takes it; nothing is lost and one line is logged", async () => {
    const subject = delivery();
    let isUp = false;
    subject.backend.answer = () => (isUp ? { status: "sent" } : unavailable);
    await subject.start();
    await subject.consume("abc");
    await settled();
    subject.clock.advance(4_999);
    await settled();
    expect(subject.attempts).toHaveLength(1);
    subject.clock.advance(1);
    await settled();
    expect(subject.attempts).toHaveLength(2);
    isUp = true;
    subject.clock.advance(7_500);
    await settled();
    expect(subject.sent).toEqual(["abc"]);
    expect(subject.counts).toMatchObject({ sent: { value: 3 }, sendFailed: { value: 0 } });
    expect(subject.log).toMatchObject([
      { level: "warn", fields: { items: 3, queue_size: 1, queue_capacity: 1000 } },
      { level: "info", fields: { signal: "traces", host: "backend:4318", failed_for_ms: 12_500 } },
    ]);
    await subject.shutdown(noDeadline());
  });

  test("is given up after max_elapsed_time; the data is dropped, counted once and logged", async () => {
    const subject = delivery({ retry_on_failure: { max_elapsed_time: "1m" } });
    subject.backend.answer = () => unavailable;
    const outcomes: string[] = [];
    await subject.start();
    const watch = new DeliveryWatch((outcome) => outcomes.push(outcome));
    await subject.consumer.consume({ ...payloadOf("event"), delivery: watch });
    await subject.consume("abc");
    for (let second = 0; second < 61; second++) {
      await settled();
      subject.clock.advance(1_000);
    }
    await settled();
    expect(subject.counts.sendFailed.value).toBe(8);
    expect(outcomes).toEqual(["lost"]);
    // Nothing about the event: its creator sends it again.
    expect(subject.log.filter(({ level }) => level === "error")).toMatchObject([
      { fields: { signal: "traces", dropped_items: 3, reason: "Unavailable." } },
    ]);
    expect(await subject.balance()).toEqual({ in: 8, out: 8 });
    await subject.shutdown(noDeadline());
  });

  test("makes the exporter unhealthy after a minute, until it takes something", async () => {
    const subject = delivery({ retry_on_failure: { max_elapsed_time: "0s" } });
    let isUp = false;
    subject.backend.answer = () => (isUp ? { status: "sent" } : unavailable);
    await subject.start();
    await subject.consume("abc");
    for (let second = 0; second < 59; second++) {
      await settled();
      subject.clock.advance(1_000);
    }
    expect(subject.statuses).toEqual([]);
    subject.clock.advance(1_000);
    expect(subject.statuses).toEqual([
      {
        status: "recoverable_error",
        message: "Nothing could be sent to the backend for more than a minute. Unavailable.",
        lastedMs: 60_000,
      },
    ]);
    isUp = true;
    for (let second = 0; second < 46; second++) {
      await settled();
      subject.clock.advance(1_000);
    }
    expect(subject.statuses.at(-1)).toEqual({ status: "ok" });
    await subject.shutdown(noDeadline());
  });

  test("makes it unhealthy also when its attempts are more than a minute apart", async () => {
    const subject = delivery({ retry_on_failure: { max_elapsed_time: "0s" } });
    subject.backend.answer = () => ({ ...unavailable, retryAfterMs: 75_000 });
    await subject.start();
    await subject.consume("abc");
    await settled();
    subject.clock.advance(60_000);
    expect(subject.statuses).toMatchObject([{ status: "recoverable_error" }]);
    for (let minute = 0; minute < 5; minute++) {
      subject.clock.advance(60_000);
      await settled();
    }
    expect(subject.statuses).toHaveLength(1);
    await subject.shutdown(AbortSignal.abort()).catch(() => {});
  });

  test("leaves it unhealthy for a minute after the last attempt, when nothing waits any more", async () => {
    const subject = delivery({ retry_on_failure: { max_elapsed_time: "2m" } });
    subject.backend.answer = () => unavailable;
    await subject.start();
    await subject.consume("abc");
    for (let second = 0; second < 150; second++) {
      await settled();
      subject.clock.advance(1_000);
    }
    expect(subject.counts.sendFailed.value).toBe(3);
    expect(subject.statuses).toMatchObject([{ status: "recoverable_error" }]);
    subject.clock.advance(90_000);
    expect(subject.statuses.at(-1)).toEqual({ status: "ok" });
    await subject.shutdown(noDeadline());
  });

  test("does not make the exporter unhealthy by one failure with nothing after it", async () => {
    const subject = delivery();
    subject.backend.answer = () => refused;
    await subject.start();
    await subject.consume("abc");
    await settled();
    subject.clock.advance(600_000);
    expect(subject.statuses).toEqual([]);
    await subject.shutdown(noDeadline());
  });

  test("an attempt ends at timeout", async () => {
    const subject = delivery({ timeout: "2s" });
    subject.backend.answer = (_, abort) => whenAborted(abort);
    await subject.start();
    await subject.consume("abc");
    await settled();
    subject.clock.advance(2_000);
    await settled();
    expect(subject.log.at(-1)).toMatchObject({ fields: { reason: "Aborted: timeout." } });
    await subject.shutdown(AbortSignal.abort()).catch(() => {});
  });
});

describe("data that the backend refuses for good", () => {
  test("is dropped at the first attempt, counted and logged", async () => {
    const subject = delivery();
    subject.backend.answer = () => refused;
    await subject.start();
    await subject.consume("abc");
    await settled();
    subject.clock.advance(600_000);
    await settled();
    expect(subject.attempts).toEqual(["abc"]);
    expect(subject.counts.sendFailed.value).toBe(3);
    expect(subject.log).toMatchObject([{ level: "error", fields: { dropped_items: 3 } }]);
    await subject.shutdown(noDeadline());
  });

  test("for another reason than its content is not sent again in parts, because the backend may have some of it", async () => {
    const subject = delivery({ sending_queue: { batch: { min_size: 2, flush_timeout: "1s" } } });
    subject.backend.answer = () => ({ ...refused, isContentRefused: false });
    await subject.start();
    await subject.consume("a");
    await subject.consume("b");
    await settled();
    expect(subject.attempts).toEqual(["ab"]);
    await subject.shutdown(noDeadline());
  });

  test("costs only itself in a batch: the others are sent one by one", async () => {
    const subject = delivery({
      sending_queue: { batch: { min_size: 3, flush_timeout: "1s" } },
    });
    subject.backend.answer = (text) => (text.includes("x") ? refused : { status: "sent" });
    await subject.start();
    for (const text of ["a", "x", "b"]) {
      await subject.consume(text);
    }
    await settled();
    expect(subject.attempts).toEqual(["axb", "a", "x", "b"]);
    expect(subject.counts).toMatchObject({ sent: { value: 2 }, sendFailed: { value: 1 } });
    await subject.shutdown(noDeadline());
  });
});

test("a batch that the backend has is not sent again one by one, although its answer cannot be read", async () => {
  const subject = delivery({ sending_queue: { batch: { min_size: 2, flush_timeout: "1s" } } });
  subject.backend.answer = () => ({ status: "sent", invalidResponse: "it is a web page" });
  await subject.start();
  await subject.consume("a");
  await subject.consume("b");
  await settled();
  expect(subject.attempts).toEqual(["ab"]);
  expect(subject.counts.sent.value).toBe(2);
  await subject.shutdown(noDeadline());
});

test("an exception of the exporter costs one payload, not the queue", async () => {
  const subject = delivery({ sending_queue: { num_consumers: 1 } });
  subject.backend.answer = (text) => {
    if (text === "bug") {
      throw new TypeError("session-4711");
    }
    return { status: "sent" };
  };
  await subject.start();
  await subject.consume("bug");
  await subject.consume("ok");
  await settled();
  expect(subject.sent).toEqual(["ok"]);
  expect(subject.counts.sendFailed.value).toBe(3);
  expect(JSON.stringify(subject.log)).not.toContain("session");
  await subject.shutdown(noDeadline());
});

describe("a batch", () => {
  test("is sent when it is large enough, as the bytes of its payloads one after the other", async () => {
    const subject = delivery({ sending_queue: { batch: { min_size: 5 } } });
    await subject.start();
    for (const text of ["ab", "cd", "ef", "gh"]) {
      await subject.consume(text);
    }
    await settled();
    expect(subject.sent).toEqual(["abcdef"]);
    subject.clock.advance(200);
    await settled();
    expect(subject.sent).toEqual(["abcdef", "gh"]);
    expect(await subject.balance()).toEqual({ in: 8, out: 8 });
    await subject.shutdown(noDeadline());
  });

  test("does not grow beyond max_size; one larger payload is sent alone", async () => {
    const subject = delivery({
      sending_queue: { batch: { min_size: 4, max_size: 4, sizer: "bytes" } },
    });
    await subject.start();
    for (const text of ["abc", "de", "fghijk", "l"]) {
      await subject.consume(text);
    }
    await settled();
    subject.clock.advance(200);
    await settled();
    subject.clock.advance(200);
    await settled();
    expect(subject.sent).toEqual(["abc", "de", "fghijk", "l"]);
    await subject.shutdown(noDeadline());
  });

  test("is sent at a shutdown without waiting", async () => {
    const subject = delivery({ sending_queue: { batch: {} } });
    await subject.start();
    await subject.consume("a");
    await subject.consume("b");
    await subject.shutdown(noDeadline());
    expect(subject.sent).toEqual(["ab"]);
  });
});

describe("without a queue", () => {
  const section = { sending_queue: { enabled: false } };

  test("a sender gets the result, after the retries", async () => {
    const subject = delivery(section);
    let isUp = false;
    subject.backend.answer = () => (isUp ? { status: "sent" } : unavailable);
    await subject.start();
    const result = subject.consume("abc");
    await settled();
    isUp = true;
    subject.clock.advance(5_000);
    expect(await result).toEqual({ status: "accepted" });
    subject.backend.answer = () => refused;
    expect(await subject.consume("de")).toEqual({ status: "permanent", message: "Bad request." });
    expect(await subject.balance()).toEqual({ in: 5, out: 5 });
    await subject.shutdown(noDeadline());
  });

  test("a wish to wait travels back to the sender", async () => {
    const subject = delivery({ ...section, retry_on_failure: { enabled: false } });
    const throttled = { ...unavailable, retryAfterMs: 7_000, throttled: true };
    subject.backend.answer = () => throttled;
    await subject.start();
    expect(await subject.consume("abc")).toEqual(throttled);
    await subject.shutdown(noDeadline());
  });
});

describe("a sender that leaves without its answer", () => {
  const sent = (sender: AbortSignal, text: string): Payload => ({ ...payloadOf(text), sender });

  test("ends the retries of its data, which it will send again", async () => {
    const subject = delivery({ sending_queue: { enabled: false } });
    subject.backend.answer = () => unavailable;
    await subject.start();
    const sender = new AbortController();
    const result = subject.consumer.consume(sent(sender.signal, "abc"));
    await settled();
    sender.abort();
    expect(await result).toMatchObject({ status: "retryable" });
    subject.clock.advance(600_000);
    await settled();
    expect(subject.attempts).toEqual(["abc"]);
    expect(await subject.balance()).toEqual({ in: 3, out: 3 });
    await subject.shutdown(noDeadline());
  });

  test("ends its waiting for room, and the next one goes on", async () => {
    const subject = delivery({
      sending_queue: { queue_size: 3, sizer: "items", block_on_overflow: true },
    });
    subject.backend.answer = (_, abort) => whenAborted(abort);
    await subject.start();
    await subject.consume("aa");
    const sender = new AbortController();
    const large = subject.consumer.consume(sent(sender.signal, "bbb"));
    const small = subject.consume("c");
    await settled();
    sender.abort();
    expect(await large).toMatchObject({ status: "retryable" });
    expect(await small).toEqual({ status: "accepted" });
    expect(subject.counts.enqueueFailed.value).toBe(3);
    expect(await subject.consumer.consume(sent(AbortSignal.abort(), "dd"))).toMatchObject({
      status: "retryable",
    });
    await subject.shutdown(AbortSignal.abort()).catch(() => {});
  });

  test("with wait_for_result costs no attempt if its data still waits in the queue", async () => {
    const subject = delivery({ sending_queue: { wait_for_result: true, num_consumers: 1 } });
    const answer = Promise.withResolvers<AttemptResult>();
    subject.backend.answer = () => answer.promise;
    await subject.start();
    const first = subject.consume("a");
    const sender = new AbortController();
    const second = subject.consumer.consume(sent(sender.signal, "b"));
    await settled();
    sender.abort();
    answer.resolve({ status: "sent" });
    expect(await first).toEqual({ status: "accepted" });
    expect(await second).toMatchObject({ status: "retryable" });
    expect(subject.attempts).toEqual(["a"]);
    expect(await subject.balance()).toEqual({ in: 2, out: 2 });
    await subject.shutdown(noDeadline());
  });

  test("does not end data that was accepted", async () => {
    const subject = delivery();
    let isUp = false;
    subject.backend.answer = () => (isUp ? { status: "sent" } : unavailable);
    await subject.start();
    const sender = new AbortController();
    expect(await subject.consumer.consume(sent(sender.signal, "abc"))).toEqual({
      status: "accepted",
    });
    sender.abort();
    isUp = true;
    subject.clock.advance(5_000);
    await settled();
    expect(subject.sent).toEqual(["abc"]);
    await subject.shutdown(noDeadline());
  });
});

describe("when the service begins to stop, before the shutdown of the exporter", () => {
  for (const [what, section] of [
    ["without a queue", { sending_queue: { enabled: false } }],
    ["with wait_for_result", { sending_queue: { wait_for_result: true } }],
  ] as const) {
    test(`a sender ${what} whose data waits for a retry is asked to send it again`, async () => {
      const subject = delivery(section);
      subject.backend.answer = () => unavailable;
      await subject.start();
      const result = subject.consume("abc");
      await settled();
      subject.beginStop();
      expect(await result).toMatchObject({ status: "retryable" });
      expect(subject.attempts).toEqual(["abc"]);
      subject.backend.answer = () => ({ status: "sent" });
      expect(await subject.consume("last")).toEqual({ status: "accepted" });
      expect(await subject.balance()).toEqual({ in: 7, out: 7 });
      await subject.shutdown(noDeadline());
      expect(subject.log.filter(({ level }) => level === "error")).toEqual([]);
    });
  }

  test("what is queued and waits for a retry gets it at once, and every second from then on", async () => {
    const subject = delivery();
    subject.backend.answer = () => unavailable;
    await subject.start();
    await subject.consume("a");
    await settled();
    subject.beginStop();
    await settled();
    expect(subject.attempts).toEqual(["a", "a"]);
    subject.clock.advance(999);
    await settled();
    expect(subject.attempts).toHaveLength(2);
    subject.backend.answer = () => ({ status: "sent" });
    subject.clock.advance(1);
    await settled();
    expect(subject.sent).toEqual(["a"]);
    await subject.shutdown(noDeadline());
  });

  test("with block_on_overflow a sender that waits for room is refused, and what is queued stays", async () => {
    const subject = delivery({ sending_queue: { queue_size: 1, block_on_overflow: true } });
    subject.backend.answer = () => unavailable;
    await subject.start();
    await subject.consume("a");
    const waiting = subject.consume("bb");
    await settled();
    subject.beginStop();
    await settled();
    expect(await waiting).toMatchObject({ status: "retryable" });
    expect(await subject.consume("ccc")).toMatchObject({ status: "retryable" });
    expect(subject.attempts).toEqual(["a", "a"]);
    expect(subject.counts.enqueueFailed.value).toBe(5);
    subject.backend.answer = () => ({ status: "sent" });
    await subject.shutdown(noDeadline());
    expect(subject.sent).toEqual(["a"]);
  });
});

describe("a shutdown", () => {
  test("sends what waits; what is waiting for its next attempt gets that at once", async () => {
    const subject = delivery({ sending_queue: { num_consumers: 1 } });
    let isUp = false;
    subject.backend.answer = () => (isUp ? { status: "sent" } : unavailable);
    await subject.start();
    for (const text of ["a", "b", "c"]) {
      await subject.consume(text);
    }
    await settled();
    isUp = true;
    await subject.shutdown(noDeadline());
    expect(subject.sent).toEqual(["a", "b", "c"]);
  });

  test("tries in rounds until its deadline, so that no payload keeps the others from an attempt, and reports what is lost", async () => {
    const subject = delivery({ sending_queue: { num_consumers: 1 } });
    subject.backend.answer = () => unavailable;
    await subject.start();
    for (const text of ["a", "b", "c"]) {
      await subject.consume(text);
    }
    await settled();
    const watch = new DeliveryWatch(() => {});
    await subject.consumer.consume({ ...payloadOf("event"), delivery: watch });
    const deadline = new AbortController();
    const ended = subject.shutdown(deadline.signal);
    await settled();
    expect(subject.attempts).toEqual(["a", "a", "b", "c", "event"]);
    subject.backend.answer = (text) => (text === "b" ? { status: "sent" } : unavailable);
    subject.clock.advance(1_000);
    await settled();
    expect(subject.sent).toEqual(["b"]);
    deadline.abort();
    await expect(ended).rejects.toThrow("2 items could not be sent");
    expect(subject.counts.sendFailed.value).toBe(7);
    expect(subject.log.at(-1)).toMatchObject({ level: "error", fields: { lost_items: 2 } });
    expect(await subject.balance()).toEqual({ in: 8, out: 8 });
  });

  test("waits between rounds as long as the backend asks", async () => {
    const subject = delivery();
    let isUp = false;
    subject.backend.answer = () =>
      isUp ? { status: "sent" } : { ...unavailable, retryAfterMs: 3_000 };
    await subject.start();
    await subject.consume("a");
    await settled();
    const ended = subject.shutdown(noDeadline());
    await settled();
    isUp = true;
    subject.clock.advance(2_999);
    await settled();
    expect(subject.attempts).toEqual(["a", "a"]);
    subject.clock.advance(1);
    await ended;
    expect(subject.sent).toEqual(["a"]);
  });

  test("with retries disabled makes one attempt", async () => {
    const subject = delivery({ retry_on_failure: { enabled: false } });
    const answer = Promise.withResolvers<AttemptResult>();
    subject.backend.answer = () => answer.promise;
    await subject.start();
    await subject.consume("a");
    await settled();
    const ended = subject.shutdown(noDeadline());
    answer.resolve(unavailable);
    await expect(ended).rejects.toThrow("1 items could not be sent");
    expect(subject.attempts).toEqual(["a"]);
  });

  test("sums up the losses that its lines held back, with the time when they were", async () => {
    const subject = delivery();
    subject.backend.answer = () => refused;
    await subject.start();
    const iso = () => new Date(subject.clock.unixMs()).toISOString();
    const times: string[] = [];
    for (const text of ["a", "bb", "ccc"]) {
      await subject.consume(text);
      await settled();
      times.push(iso());
      subject.clock.advance(1_000);
    }
    await subject.shutdown(noDeadline());
    const message =
      "Exporting failed. Dropping data. The backend will never take it; check the reason.";
    expect(subject.log).toEqual([
      expect.objectContaining({
        message,
        fields: expect.objectContaining({ dropped_items: 1, held_back: 0, held_back_items: 0 }),
      }),
      {
        level: "error",
        message: `Held back until now: ${message}`,
        fields: {
          signal: "traces",
          dropped_items: 5,
          reason: "Bad request.",
          lines: 2,
          from: times[1],
          until: times[2],
        },
      },
    ]);
  });

  test("does not repeat at its end what is over and lost nothing: attempts, and requests that found the queue full", async () => {
    const subject = delivery({ sending_queue: { queue_size: 2 } });
    subject.backend.answer = () => unavailable;
    await subject.start();
    for (const text of ["a", "b", "c", "d"]) {
      await subject.consume(text);
    }
    await settled();
    const lines = subject.log.map(({ message }) => message.split(".")[0]);
    subject.backend.answer = () => ({ status: "sent" });
    subject.clock.advance(8_000);
    await settled();
    await subject.shutdown(noDeadline());
    expect(subject.sent.toSorted()).toEqual(["a", "b"]);
    expect(lines.toSorted()).toEqual([
      "Exporting failed",
      "The sending queue is full, so a request was refused",
    ]);
    expect(subject.log.slice(lines.length).map(({ message }) => message)).toEqual([
      "Sending to the backend works again.",
    ]);
  });

  test("ends at its deadline although the backend never answers", async () => {
    const subject = delivery();
    subject.backend.answer = (_, abort) => whenAborted(abort);
    await subject.start();
    await subject.consume("a");
    await settled();
    const deadline = new AbortController();
    const ended = subject.shutdown(deadline.signal);
    await settled();
    deadline.abort();
    await expect(ended).rejects.toThrow("1 items could not be sent");
    expect(subject.counts.sendFailed.value).toBe(1);
  });

  test("refuses what comes later", async () => {
    const subject = delivery();
    await subject.start();
    await subject.shutdown(noDeadline());
    expect(await subject.consume("late")).toMatchObject({ status: "retryable" });
    expect(subject.counts.enqueueFailed.value).toBe(4);
  });

  test("is safe before the start, twice, and after its deadline", async () => {
    const subject = delivery();
    await subject.shutdown(noDeadline());
    await subject.shutdown(AbortSignal.abort()).catch(() => {});
  });
});

import { describe, expect, test } from "vitest";
import { shutdownAll, startAll } from "../../src/service/lifecycle.ts";
import { deferred } from "../support/deferred.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fakeInstance, type Journal } from "./fake-components.ts";

const limitsWith = (clock: FakeClock) => ({ clock, shutdownTimeoutMs: 10_000 });

test("components start in order and shut down in reverse", async () => {
  const journal: Journal = [];
  const instances = [
    fakeInstance("exporter", "e", journal),
    fakeInstance("processor", "p", journal),
    fakeInstance("receiver", "r", journal),
  ];
  const limits = limitsWith(new FakeClock());
  await startAll(instances, limits);
  expect(await shutdownAll(instances, limits)).toEqual([]);
  expect(journal).toEqual([
    "start exporter e",
    "start processor p",
    "start receiver r",
    "shutdown receiver r",
    "shutdown processor p",
    "shutdown exporter e",
  ]);
});

test("a failed start shuts down what had started, not what had not, and names the component", async () => {
  const journal: Journal = [];
  const instances = [
    fakeInstance("exporter", "e", journal),
    fakeInstance("receiver", "otlp", journal, { startError: "Cannot listen on 127.0.0.1:4318." }),
    fakeInstance("receiver", "other", journal),
  ];
  await expect(startAll(instances, limitsWith(new FakeClock()))).rejects.toThrow(
    'Cannot start receiver "otlp": Cannot listen on 127.0.0.1:4318.',
  );
  expect(journal).toEqual([
    "start exporter e",
    "start receiver otlp",
    "shutdown receiver otlp",
    "shutdown exporter e",
  ]);
});

describe("shutting down", () => {
  test("goes on when a component fails, and reports it", async () => {
    const journal: Journal = [];
    const bad = fakeInstance("receiver", "bad", journal, {
      shutdown: () => Promise.reject(new Error("no")),
    });
    const good = fakeInstance("exporter", "good", journal);
    expect(await shutdownAll([good, bad], limitsWith(new FakeClock()))).toEqual([bad]);
    expect(journal).toEqual(["shutdown receiver bad", "shutdown exporter good"]);
    expect(bad.logger.lines).toHaveLength(1);
  });

  test("aborts the one deadline all share when the time is over", async () => {
    const clock = new FakeClock();
    const aborted: string[] = [];
    const patient = (id: string) =>
      fakeInstance("processor", id, [], {
        shutdown: (deadline) =>
          new Promise((resolve) => {
            if (deadline.aborted) {
              aborted.push(`${id} at once`);
              resolve();
            }
            deadline.addEventListener("abort", () => {
              aborted.push(id);
              resolve();
            });
          }),
      });
    const first = patient("first");
    const second = patient("second");
    const done = shutdownAll([second, first], limitsWith(clock));
    clock.advance(9_999);
    expect(aborted).toEqual([]);
    clock.advance(1);
    expect(await done).toEqual([]);
    expect(aborted).toEqual(["first", "second at once"]);
  });

  test("lets exporters end at the same time, after what sends to them, and before extensions", async () => {
    const journal: Journal = [];
    const release = deferred<void>();
    const slow = { shutdown: () => release.promise };
    const done = shutdownAll(
      [
        fakeInstance("extension", "x", journal),
        fakeInstance("exporter", "a", journal, slow),
        fakeInstance("exporter", "b", journal, slow),
        fakeInstance("processor", "p", journal),
      ],
      limitsWith(new FakeClock()),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(journal).toEqual(["shutdown processor p", "shutdown exporter b", "shutdown exporter a"]);
    release.resolve();
    expect(await done).toEqual([]);
    expect(journal.at(-1)).toBe("shutdown extension x");
  });

  test("leaves behind a component that ignores the deadline", async () => {
    const clock = new FakeClock();
    const journal: Journal = [];
    const stuck = fakeInstance("receiver", "stuck", journal, {
      shutdown: () => new Promise(() => {}),
    });
    const last = fakeInstance("exporter", "last", journal);
    const done = shutdownAll([last, stuck], limitsWith(clock));
    clock.advance(10_500);
    expect(await done).toEqual([stuck]);
    expect(journal).toEqual(["shutdown receiver stuck", "shutdown exporter last"]);
    expect(stuck.logger.lines).toEqual([
      [
        "error",
        "A component did not shut down before the deadline. Its buffered data may be lost; raise service.shutdown_timeout if this repeats.",
        {},
      ],
    ]);
  });
});

import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { accepted, type ConsumeResult } from "../../../src/component/consumer.ts";
import { FollowedFile } from "../../../src/receivers/otlp_json_file/followed-file.ts";
import { until } from "../../contract/waiting.ts";
import { deferred } from "../../support/deferred.ts";
import { fakeMemory } from "../../support/fake-memory.ts";
import { lineOf, reader } from "./harness.ts";

const later: ConsumeResult = { status: "retryable", message: "The queue is full." };

describe("a line", () => {
  test("is passed to the pipeline of its signal, in protobuf", async () => {
    const subject = reader();
    await subject.start();
    const span = { traceId: "5b8efff798038103d269b633813fc60c", spanId: "eee19b7ec3c1b174" };
    subject.append(
      "a.jsonl",
      `${JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })}\n`,
    );
    subject.append("a.jsonl", lineOf("hello"));
    const metric = { name: "m", gauge: { data_points: [{ as_int: 3 }, {}] } };
    subject.append(
      "a.jsonl",
      `${JSON.stringify({ resource_metrics: [{ scope_metrics: [{ metrics: [metric] }] }] })}\n`,
    );
    expect(await subject.poll(3)).toEqual(["traces", "hello", "metrics"]);
    expect(subject.payloads.map(({ items, transport }) => [items, transport])).toEqual([
      [1, "file"],
      [1, "file"],
      [2, "file"],
    ]);
    await subject.stop();
  });

  test("may have two signals, carriage returns, nothing, or a byte order mark before it", async () => {
    const subject = reader();
    await subject.start();
    const both = {
      ...JSON.parse(lineOf("both")),
      resourceMetrics: [{ scopeMetrics: [{ metrics: [{ sum: { dataPoints: [{}] } }] }] }],
    };
    const line = JSON.stringify(both);
    subject.append("a.jsonl", `\ufeff${line}\r\n\n  \r\n${line}\n${line}\n${lineOf("next")}`);
    const threeTimes = ["metrics", "both", "metrics", "both", "metrics", "both"];
    expect(await subject.pollAll()).toEqual([...threeTimes, "next"]);
    await subject.stop();
  });

  test("without its end waits for it", async () => {
    const subject = reader();
    await subject.start();
    const line = lineOf("whole");
    subject.append("a.jsonl", lineOf("first") + line.slice(0, 40));
    expect(await subject.pollAll()).toEqual(["first"]);
    subject.append("a.jsonl", line.slice(40, 60));
    expect(await subject.pollAll()).toEqual(["first"]);
    subject.append("a.jsonl", line.slice(60));
    expect(await subject.pollAll()).toEqual(["first", "whole"]);
    await subject.stop();
  });

  test("of some megabytes, over many blocks, arrives whole", async () => {
    const subject = reader();
    await subject.start();
    const text = "ä".repeat(1_500_000);
    subject.append("a.jsonl", lineOf("before") + lineOf(text) + lineOf("after"));
    expect(await subject.poll(3)).toEqual(["before", text, "after"]);
    await subject.stop();
  });

  const skipped: readonly (readonly [what: string, line: string, reason: string])[] = [
    ["is no JSON", "{secret", "not_json"],
    ["ends with a blank that JSON does not have", '{"resourceLogs":[]}\f', "not_json"],
    ["is no object", '["secret"]', "not_otlp"],
    ["has no signal", '{"secret": []}', "not_otlp"],
    ["has a value of a wrong type", '{"resourceLogs": "secret"}', "not_otlp"],
    ["is longer than max_log_size", lineOf("secret".repeat(400)).trimEnd(), "too_large"],
  ];
  for (const [what, line, reason] of skipped) {
    test(`that ${what} is skipped, counted and logged without its content`, async () => {
      const subject = reader({ max_log_size: "1KiB" });
      await subject.start();
      subject.append("a.jsonl", `${lineOf("before")}${line}\n${line}\n${lineOf("after")}`);
      expect(await subject.pollAll()).toEqual(["before", "after"]);
      expect(await subject.ownMetrics()).toContain(
        `otelcol_receiver_skipped_lines{reason="${reason}",receiver="otlp_json_file"} 2`,
      );
      const lines = () => subject.log.filter(({ level }) => level === "warn");
      const logged = { fields: { path: subject.path("a.jsonl"), held_back: 0 } };
      expect(lines()).toMatchObject([logged]);
      await subject.stop();
      const summary = {
        message: expect.stringContaining("Held back until now: "),
        fields: { path: subject.path("a.jsonl"), lines: 1 },
      };
      expect(lines()).toMatchObject([logged, summary]);
      expect(JSON.stringify(subject.log)).not.toContain("secret");
    });
  }

  test("whose values do not fit into memory is skipped and counted", async () => {
    const subject = reader({}, { memory: fakeMemory({ limitMiB: 12 }) });
    await subject.start();
    const line = `{"resourceLogs":[{}${",{}".repeat(50_000)}]}\n`;
    subject.append("a.jsonl", `${lineOf("before")}${line}${lineOf("after")}`);
    expect(await subject.pollAll()).toEqual(["before", "after"]);
    expect(await subject.ownMetrics()).toContain(
      'otelcol_receiver_skipped_lines{reason="too_many_values",receiver="otlp_json_file"} 1',
    );
    await subject.stop();
  });

  test("that is too long is counted once, also when it is written in parts", async () => {
    const subject = reader({ max_log_size: "1KiB" });
    await subject.start();
    for (const part of ["x".repeat(3_000), "y".repeat(3_000), `z\n${lineOf("after")}`]) {
      subject.append("a.jsonl", part);
      await subject.pollAll();
    }
    expect(subject.taken).toEqual(["after"]);
    expect(await subject.ownMetrics()).toContain('reason="too_large",receiver="otlp_json_file"} 1');
    await subject.stop();
  });

  test("of a signal without a pipeline is skipped and counted", async () => {
    const subject = reader({}, { signals: ["logs"] });
    await subject.start();
    const span = { traceId: "5b8efff798038103d269b633813fc60c", spanId: "eee19b7ec3c1b174" };
    subject.append(
      "a.jsonl",
      `${JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })}\n`,
    );
    expect(await subject.pollAll()).toEqual([]);
    expect(await subject.ownMetrics()).toContain(
      'reason="no_pipeline",receiver="otlp_json_file"} 1',
    );
    await subject.stop();
  });

  test("of two signals of which one cannot be read counts as skipped, and its other signal is passed on", async () => {
    const subject = reader();
    await subject.start();
    const line = { ...JSON.parse(lineOf("logs are fine")), resourceSpans: "secret" };
    subject.append("a.jsonl", `${JSON.stringify(line)}\n`);
    expect(await subject.pollAll()).toEqual(["logs are fine"]);
    expect(await subject.ownMetrics()).toContain(
      'otelcol_receiver_skipped_lines{reason="not_otlp",receiver="otlp_json_file"} 1',
    );
    expect(subject.log.filter(({ level }) => level === "warn")).toMatchObject([
      {
        message: "A line, or its data of one signal, is not valid OTLP JSON and was skipped.",
        fields: { signal: "traces" },
      },
    ]);
    await subject.stop();
  });

  test("loses its malformed items, which are counted", async () => {
    const subject = reader();
    await subject.start();
    const spans = [
      { traceId: "5b8efff798038103d269b633813fc60c", spanId: "eee19b7ec3c1b174" },
      { traceId: "ab", spanId: "cd" },
      { traceId: "5b8efff798038103d269b633813fc60c", spanId: "eee19b7ec3c1b174", kind: "secret" },
    ];
    subject.append(
      "a.jsonl",
      `${JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] })}\n`,
    );
    await subject.poll(1);
    expect(subject.payloads).toMatchObject([{ items: 1 }]);
    const metrics = await subject.ownMetrics();
    for (const line of [
      'otelcol_receiver_malformed_items{otel_signal="traces",receiver="otlp_json_file"} 2',
      'otelcol_receiver_rejected_items{otel_signal="traces",reason="trace_id",receiver="otlp_json_file"} 1',
      'otelcol_receiver_rejected_items{otel_signal="traces",reason="wrong_type",receiver="otlp_json_file"} 1',
    ]) {
      expect(metrics).toContain(line);
    }
    await subject.stop();
  });
});

describe("back-pressure", () => {
  test("the next line is read only when the pipeline has answered", async () => {
    const subject = reader();
    const answer = deferred<ConsumeResult>();
    subject.answer = () => answer.promise;
    await subject.start();
    subject.append("a.jsonl", lineOf("1") + lineOf("2"));
    subject.append("b.jsonl", lineOf("3"));
    await subject.poll(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(subject.taken).toEqual(["1"]);
    answer.resolve(accepted);
    await subject.poll(3);
    expect(subject.taken).toEqual(["1", "2", "3"]);
    await subject.stop();
  });

  test("a line that cannot be taken is tried again at growing intervals, and none is skipped", async () => {
    const subject = reader();
    let failures = 3;
    subject.answer = async () => (failures-- > 0 ? later : accepted);
    await subject.start();
    subject.append("a.jsonl", lineOf("1") + lineOf("2"));
    await subject.poll(1);
    for (const [index, delayMs] of [1_000, 1_500, 2_250].entries()) {
      const tried = index + 1;
      await until(() => subject.clock.pendingTimers === 2, { what: "A wait", patienceMs: 5_000 });
      subject.clock.advance(delayMs - 1);
      await new Promise((resolve) => setImmediate(resolve));
      expect(subject.taken).toHaveLength(tried);
      subject.clock.advance(1);
      await until(() => subject.taken.length > tried, { what: "A try", patienceMs: 5_000 });
    }
    await until(() => subject.taken.length === 5, { what: "The next line", patienceMs: 5_000 });
    expect(subject.taken).toEqual(["1", "1", "1", "1", "2"]);
    expect(subject.log.filter(({ level }) => level === "warn")).toMatchObject([
      { fields: { reason: "The queue is full.", interval_ms: 1_000 } },
    ]);
    await subject.stop();
  });

  test("a line is not tried again before a backend allows it", async () => {
    const subject = reader();
    let failures = 1;
    subject.answer = async () => (failures-- > 0 ? { ...later, retryAfterMs: 60_000 } : accepted);
    await subject.start();
    subject.append("a.jsonl", lineOf("1"));
    await subject.poll(1);
    await until(() => subject.clock.pendingTimers === 2, { what: "A wait", patienceMs: 5_000 });
    subject.clock.advance(59_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(subject.taken).toHaveLength(1);
    subject.clock.advance(1_000);
    await until(() => subject.taken.length === 2, { what: "A try", patienceMs: 5_000 });
    await subject.stop();
  });

  test("a line that is refused for good is lost with an error, and reading goes on", async () => {
    const subject = reader();
    subject.answer = async (text) =>
      text === "bad" ? { status: "permanent", message: "Never." } : accepted;
    await subject.start();
    subject.append("a.jsonl", lineOf("bad") + lineOf("good"));
    expect(await subject.pollAll()).toEqual(["bad", "good"]);
    expect(subject.log.filter(({ level }) => level === "error")).toMatchObject([
      { fields: { signal: "logs", items: 1, reason: "Never." } },
    ]);
    await subject.stop();
  });

  test("a shutdown ends the wait for the next try", async () => {
    const subject = reader();
    subject.answer = async () => later;
    await subject.start();
    subject.append("a.jsonl", lineOf("1") + lineOf("2"));
    await subject.poll(1);
    await subject.stop();
    expect(subject.taken).toEqual(["1"]);
    expect(subject.clock.pendingTimers).toBe(0);
  });
});

describe("of several files", () => {
  test("those are read that include names and exclude does not, each once", async () => {
    const subject = reader();
    mkdirSync(subject.path("deep/er"), { recursive: true });
    const globbing = reader(
      {
        include: [subject.path("**/*.jsonl"), subject.path("a.jsonl"), subject.path("no/*.jsonl")],
        exclude: [subject.path("b.*"), subject.path("deep/skipped.jsonl")],
      },
      { folder: subject.folder },
    );
    for (const name of [
      "a.jsonl",
      "b.jsonl",
      "c.txt",
      "deep/d.jsonl",
      "deep/skipped.jsonl",
      "deep/er/e.jsonl",
    ]) {
      globbing.append(name, lineOf(name));
    }
    symlinkSync(subject.path("a.jsonl"), subject.path("link.jsonl"));
    mkdirSync(subject.path("folder.jsonl"));
    await globbing.start();
    expect([...(await globbing.pollAll())].sort()).toEqual([
      "a.jsonl",
      "deep/d.jsonl",
      "deep/er/e.jsonl",
    ]);
    await globbing.stop();
  });

  test("the one that changed least recently is first", async () => {
    const subject = reader();
    await subject.start();
    for (const [name, second] of [
      ["a", 30],
      ["b", 10],
      ["c", 20],
    ] as const) {
      subject.append(`${name}.jsonl`, lineOf(name));
      utimesSync(subject.path(`${name}.jsonl`), second, second);
    }
    expect(await subject.pollAll()).toEqual(["b", "c", "a"]);
    await subject.stop();
  });

  test("a pipe or a socket is no file, and nothing waits for it", async () => {
    const subject = reader();
    const server = createServer().listen(subject.path("socket.jsonl"));
    await new Promise((resolve) => server.once("listening", resolve));
    await subject.start();
    subject.append("a.jsonl", lineOf("a"));
    expect(await subject.pollAll()).toEqual(["a"]);
    await subject.stop();
    server.close();
  });

  test("no more than max_concurrent_files are open, and all are read", async () => {
    const subject = reader({ max_concurrent_files: 2 });
    await subject.start();
    for (let round = 1; round <= 2; round++) {
      for (let index = 0; index < 9; index++) {
        subject.append(`${index}.jsonl`, lineOf(`${index} ${round}`));
      }
      await subject.pollAll();
      const open = readdirSync("/proc/self/fd").filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).startsWith(subject.folder);
        } catch {
          return false;
        }
      });
      expect(open).toHaveLength(2);
      expect(await subject.ownMetrics()).toContain(
        'otelcol_fileconsumer_open_files{receiver="otlp_json_file"} 2',
      );
    }
    expect([...subject.taken].sort()).toEqual(
      Array.from({ length: 18 }, (_, index) => `${index >> 1} ${(index & 1) + 1}`),
    );
    await subject.stop();
  });
});

describe("start_at", () => {
  test("end passes over what is there, half a line included, and reads what comes", async () => {
    const subject = reader({ start_at: "end" });
    const half = lineOf("half");
    subject.append("a.jsonl", lineOf("old") + half.slice(0, 30));
    await subject.start();
    subject.append("a.jsonl", half.slice(30) + lineOf("new"));
    subject.append("b.jsonl", lineOf("later"));
    expect([...(await subject.pollAll())].sort()).toEqual(["later", "new"]);
    expect(await subject.ownMetrics()).not.toMatch(/skipped_lines\{[^}]*\} [1-9]/);
    await subject.stop();
  });

  test("beginning reads what is there", async () => {
    const subject = reader();
    subject.append("a.jsonl", lineOf("old"));
    await subject.start();
    expect(await subject.pollAll()).toEqual(["old"]);
    await subject.stop();
  });
});

describe("a file that is", () => {
  test("renamed within the globs is not read again", async () => {
    const subject = reader();
    await subject.start();
    subject.append("a.jsonl", lineOf("1"));
    await subject.poll(1);
    subject.append("a.jsonl", lineOf("2"));
    renameSync(subject.path("a.jsonl"), subject.path("a-1.jsonl"));
    subject.append("a.jsonl", lineOf("3"));
    expect(await subject.pollAll()).toEqual(["1", "2", "3"]);
    subject.append("a-1.jsonl", lineOf("4"));
    expect(await subject.pollAll()).toEqual(["1", "2", "3", "4"]);
    await subject.stop();
  });

  for (const [what, act] of [
    ["renamed out of the globs", (path: string) => renameSync(path, `${path}.1`)],
    ["removed", (path: string) => unlinkSync(path)],
  ] as const) {
    test(`${what} is read to its end and then closed`, async () => {
      const subject = reader();
      await subject.start();
      subject.append("a.jsonl", lineOf("1"));
      await subject.poll(1);
      subject.append("a.jsonl", lineOf("2"));
      act(subject.path("a.jsonl"));
      for (let poll = 0; poll < 3; poll++) {
        expect(await subject.pollAll()).toEqual(["1", "2"]);
      }
      expect(await subject.ownMetrics()).toContain('open_files{receiver="otlp_json_file"} 1');
      await subject.stop();
    });
  }

  test("truncated is read from its beginning", async () => {
    const subject = reader();
    await subject.start();
    subject.append("a.jsonl", lineOf("1") + lineOf("2"));
    await subject.poll(2);
    truncateSync(subject.path("a.jsonl"), 0);
    subject.append("a.jsonl", lineOf("3"));
    expect(await subject.pollAll()).toEqual(["1", "2", "3"]);
    expect(subject.log.at(-1)).toMatchObject({
      level: "info",
      message: "A file was truncated or replaced. It is read from its beginning.",
    });
    await subject.stop();
  });

  test("truncated and at once longer than before is read from its beginning", async () => {
    const subject = reader();
    await subject.start();
    subject.append("a.jsonl", lineOf("1"));
    await subject.poll(1);
    writeFileSync(subject.path("a.jsonl"), lineOf("2") + lineOf("3"));
    expect(await subject.pollAll()).toEqual(["1", "2", "3"]);
    await subject.stop();
  });

  for (const [what, old, now] of [
    ["shorter", ["1", "2", "3"], ["4"]],
    ["of the same length", ["1", "2"], ["3", "4"]],
    ["longer", ["1", "2"], ["3", "4", "5"]],
    ["with the same first line", ["x".repeat(20_000), "2"], ["x".repeat(20_000), "3", "4"]],
    [
      "with lines that differ in their middle",
      ["x".repeat(20_000), `${"x".repeat(9_000)} 1 ${"y".repeat(9_000)}`],
      ["x".repeat(20_000), `${"x".repeat(9_000)} 2 ${"y".repeat(9_000)}`],
    ],
  ] as const) {
    test(`rewritten while a line waits is read from its beginning (${what})`, async () => {
      const subject = reader();
      await subject.start();
      subject.append("a.jsonl", old.map(lineOf).join(""));
      let isDown = true;
      subject.answer = async () => (isDown ? later : accepted);
      await subject.poll(1);
      writeFileSync(subject.path("a.jsonl"), now.map(lineOf).join("")); // The same inode.
      isDown = false;
      await until(() => subject.clock.pendingTimers === 2, { what: "A wait", patienceMs: 5_000 });
      subject.clock.advance(1_500);
      await subject.pollAll();
      expect(subject.taken).toEqual([old[0], ...old, ...now]);
      await subject.stop();
    });
  }

  test("longer than a block and rewritten between two of its lines gives no line of both contents", async () => {
    const subject = reader();
    const lines = (prefix: string) =>
      Array.from({ length: 200 }, (_, index) => `${prefix} ${index} ${"x".repeat(3_000)}`);
    const [old, now] = [lines("old"), lines("new")];
    subject.answer = async (text) => {
      if (text === old[100]) {
        writeFileSync(subject.path("a.jsonl"), now.map(lineOf).join(""));
      }
      return accepted;
    };
    await subject.start();
    subject.append("a.jsonl", old.map(lineOf).join(""));
    const taken = await subject.pollAll();
    const ofOld = taken.filter((text) => text.startsWith("old"));
    expect(ofOld).toEqual(old.slice(0, ofOld.length));
    expect(taken.slice(ofOld.length)).toEqual(now);
    expect(await subject.ownMetrics()).not.toMatch(/skipped_lines\{[^}]*\} [1-9]/);
    await subject.stop();
  });

  test("removed is read to its end, also what its writer adds while a line waits", async () => {
    const subject = reader();
    await subject.start();
    subject.append("a.jsonl", lineOf("1"));
    await subject.pollAll();
    const writer = openSync(subject.path("a.jsonl"), "a");
    unlinkSync(subject.path("a.jsonl"));
    await subject.pollAll();
    writeSync(writer, lineOf("2"));
    subject.answer = async (text) => {
      if (text === "2") {
        writeSync(writer, lineOf("3"));
        closeSync(writer);
      }
      return accepted;
    };
    await subject.pollAll();
    expect(await subject.pollAll()).toEqual(["1", "2", "3"]);
    await subject.stop();
  });

  test("removed while a line of another file waits is read", async () => {
    const subject = reader();
    subject.append("a.jsonl", lineOf("1"));
    subject.append("b.jsonl", lineOf("2"));
    utimesSync(subject.path("a.jsonl"), 10, 10);
    subject.answer = async (text) => {
      if (text === "1") {
        unlinkSync(subject.path("b.jsonl"));
      }
      return accepted;
    };
    await subject.start();
    expect(await subject.pollAll()).toEqual(["1", "2"]);
    await subject.stop();
  });

  test("unreadable is reported until it can be read", async () => {
    const subject = reader();
    await subject.start();
    mkdirSync(subject.path("target"));
    writeFileSync(subject.path("target/a"), lineOf("1"));
    symlinkSync(subject.path("target/a"), subject.path("a.jsonl"));
    expect(await subject.pollAll()).toEqual(["1"]);
    rmSync(subject.path("target"), { recursive: true });
    expect(await subject.pollAll()).toEqual(["1"]);
    expect(subject.statuses).toEqual([]);
    await subject.stop();
  });
});

test("with delete_after_read a file is gone when its lines are done, and not before", async () => {
  const subject = reader({ delete_after_read: true });
  const answer = deferred<ConsumeResult>();
  subject.answer = (text) => (text === "2" ? answer.promise : Promise.resolve(accepted));
  await subject.start();
  subject.append("a.jsonl", lineOf("1") + lineOf("2"));
  subject.append("half.jsonl", lineOf("half").slice(0, 20));
  await subject.poll(2);
  expect(existsSync(subject.path("a.jsonl"))).toBe(true);
  answer.resolve(accepted);
  expect(await subject.pollAll()).toEqual(["1", "2"]);
  expect(existsSync(subject.path("a.jsonl"))).toBe(false);
  expect(existsSync(subject.path("half.jsonl"))).toBe(true);
  await subject.stop();
});

test("with delete_after_read a file that is rewritten before it is deleted is kept until it is read", async () => {
  const subject = reader({ delete_after_read: true });
  subject.answer = async (text) => {
    if (text === "1") {
      writeFileSync(subject.path("a.jsonl"), lineOf("2"));
    }
    return accepted;
  };
  await subject.start();
  subject.append("a.jsonl", lineOf("1"));
  await subject.poll(1);
  expect(await subject.poll(2)).toEqual(["1", "2"]);
  const isGone = () => !existsSync(subject.path("a.jsonl"));
  await until(isGone, { what: "The deletion", patienceMs: 5_000 });
  await subject.stop();
});

test("a file is looked at until its facts have been the same for longer than times of files are coarse", () => {
  const file = new FollowedFile("1:2", "/a.jsonl");
  const facts = {
    identity: "1:2",
    sizeBytes: 10,
    changedNs: 1n,
    touchedNs: 1n,
    isDeleted: false,
  };
  for (const [nowMs, isDone] of [
    [5_000, false],
    [6_999, false],
    [7_000, true],
  ] as const) {
    file.reachedEnd(facts, nowMs);
    expect(file.isDone(facts)).toBe(isDone);
  }
  for (const change of [{ sizeBytes: 11 }, { changedNs: 2n }, { touchedNs: 2n }]) {
    expect(file.isDone({ ...facts, ...change })).toBe(false);
  }
  file.reachedEnd({ ...facts, changedNs: 2n }, 9_000);
  expect(file.isDone({ ...facts, changedNs: 2n })).toBe(false);
});

test("with replay_file every poll reads every file again", async () => {
  const subject = reader({ replay_file: true });
  await subject.start();
  subject.append("a.jsonl", lineOf("1") + lineOf("2"));
  for (const count of [2, 4, 6]) {
    await subject.poll(count);
  }
  await subject.stop();
  expect(subject.taken).toEqual(["1", "2", "1", "2", "1", "2"]);
});

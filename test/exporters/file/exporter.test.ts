import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { until } from "../../contract/waiting.ts";
import { deferred } from "../../support/deferred.ts";
import { FailingFiles } from "./failing-files.ts";
import { exporter, lineOf, payloadOf, temporaryFolder } from "./harness.ts";

const patience = (what: string) => ({ what, patienceMs: 5_000 });

describe("the file", () => {
  test("has one line of OTLP JSON per payload, in the order of the payloads", async () => {
    const subject = exporter();
    await subject.start();
    const answers = await Promise.all(["a", "b\nc", "d"].map((text) => subject.write(text)));
    expect(answers).toEqual(Array(3).fill({ status: "accepted" }));
    expect(subject.content()).toBe(lineOf("a") + lineOf("b\nc") + lineOf("d"));
    await subject.stop();
  });

  test("has no payload whose JSON memory could not hold; its sender hears what to do", async () => {
    const subject = exporter({}, { heapLimitMiB: 8 });
    await subject.start();
    const large = new Uint8Array(Buffer.alloc(40_000, Uint8Array.of(0x0a, 0)));
    expect(await subject.writePayload({ signal: "logs", bytes: large, items: 1 })).toEqual({
      status: "permanent",
      message: expect.stringContaining("format: proto"),
    });
    expect(subject.content()).toBe("");
    await subject.stop();
  });

  test("holds a payload when its sender has the answer, and belongs to this user only", async () => {
    const subject = exporter();
    await subject.start();
    await subject.write("a");
    expect(subject.content()).toBe(lineOf("a"));
    expect(statSync(subject.path).mode & 0o777).toBe(0o600);
    await subject.stop();
  });

  for (const [what, section, open] of [
    ["proto", { format: "proto" }, (bytes: Uint8Array) => bytes],
    ["compressed proto", { format: "proto", compression: "zstd" }, zstdDecompressSync],
    ["compressed json", { compression: "zstd" }, zstdDecompressSync],
  ] as const) {
    test(`as ${what} has the length in 4 bytes before each message`, async () => {
      const subject = exporter(section);
      await subject.start();
      await Promise.all(["a", "b"].map((text) => subject.write(text)));
      await subject.stop();
      const file = readFileSync(subject.path);
      const texts: string[] = [];
      for (let at = 0; at < file.length; at += 4 + file.readUInt32BE(at)) {
        const message = open(file.subarray(at + 4, at + 4 + file.readUInt32BE(at)));
        const request =
          what === "compressed json"
            ? JSON.parse(Buffer.from(message).toString())
            : otlp.ExportLogsServiceRequest.decode(message);
        texts.push(request.resourceLogs[0].scopeLogs[0].logRecords[0].body.stringValue);
      }
      expect(texts).toEqual(["a", "b"]);
    });
  }

  test("is emptied at the start, and the log warns of it", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "out.jsonl"), "old\n");
    const subject = exporter({}, { folder });
    await subject.start();
    await subject.write("a");
    await subject.stop();
    expect(subject.content()).toBe(lineOf("a"));
    expect(subject.log).toEqual([
      {
        level: "warn",
        message:
          "The data of an earlier run was removed from the file, because append is false. Set append: true to keep it.",
        fields: { path: subject.path, removed_bytes: 4 },
      },
    ]);
  });

  for (const section of [{ append: true }, { rotation: {} }]) {
    test(`is continued with ${Object.keys(section)[0]}`, async () => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, "out.jsonl"), lineOf("old"));
      const subject = exporter(section, { folder });
      await subject.start();
      await subject.write("a");
      await subject.stop();
      expect(subject.content()).toBe(lineOf("old") + lineOf("a"));
    });
  }

  test("that ends with half a line is continued without that half", async () => {
    const folder = temporaryFolder();
    const half = lineOf("lost").slice(0, 20);
    writeFileSync(join(folder, "out.jsonl"), lineOf("old") + half);
    const subject = exporter({ append: true }, { folder });
    await subject.start();
    await subject.write("a");
    await subject.stop();
    expect(subject.content()).toBe(lineOf("old") + lineOf("a"));
    expect(subject.log).toMatchObject([{ level: "warn", fields: { cut_bytes: 20 } }]);
  });

  test("whose last line lacks only its end gets that", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "out.jsonl"), lineOf("old").trimEnd());
    const subject = exporter({ append: true }, { folder });
    await subject.start();
    await subject.write("a");
    await subject.stop();
    expect(subject.content()).toBe(lineOf("old") + lineOf("a"));
  });

  test("of messages with lengths that ends with half a message is continued without that half", async () => {
    const first = exporter({ format: "proto" });
    await first.start();
    await first.write("a");
    await first.write("b");
    await first.stop();
    const { size } = statSync(first.path);
    truncateSync(first.path, size - 1);
    const second = exporter({ format: "proto", append: true }, { folder: first.folder });
    await second.start();
    await second.write("c");
    await second.stop();
    const messages = [payloadOf("a"), payloadOf("c")].map(({ bytes }) => [
      Buffer.from([0, 0, 0, bytes.length]),
      bytes,
    ]);
    expect(readFileSync(first.path)).toEqual(Buffer.concat(messages.flat()));
  });

  test("is synced once per flush_interval while something is written", async () => {
    const files = new FailingFiles();
    const subject = exporter({ flush_interval: "2s" }, { files });
    await subject.start();
    subject.clock.advance(10_000);
    await subject.write("a");
    await subject.write("b");
    expect(files.calls).not.toContain("sync");
    subject.clock.advance(2_000);
    await until(() => files.calls.includes("sync"), patience("The sync"));
    subject.clock.advance(10_000);
    await subject.stop();
    expect(files.calls.filter((call) => call === "sync")).toHaveLength(1);
  });

  test("is synced at the shutdown, after what is still being written", async () => {
    const files = new FailingFiles();
    const gate = deferred<void>();
    const subject = exporter({}, { files });
    await subject.start();
    files.gate = gate.promise;
    const answers = ["a", "b"].map((text) => subject.write(text));
    const stopped = subject.stop();
    expect(await subject.write("late")).toMatchObject({ status: "retryable" });
    gate.resolve();
    await stopped;
    expect(await Promise.all(answers)).toEqual(Array(2).fill({ status: "accepted" }));
    expect(subject.content()).toBe(lineOf("a") + lineOf("b"));
    expect(files.calls.at(-1)).toBe("sync");
  });

  test("lacks what cannot be decoded, and the log says so", async () => {
    const subject = exporter();
    await subject.start();
    const broken = { signal: "logs", bytes: Uint8Array.of(0x0a, 0x05, 0x01), items: 1 } as const;
    await subject.writePayload(broken);
    await subject.stop();
    expect(subject.content()).toBe('{"resourceLogs":[]}\n');
    expect(subject.log).toMatchObject([{ level: "warn", fields: { signal: "logs", parts: 1 } }]);
  });
});

describe("rotation", () => {
  const big = "x".repeat(400 * 1024);

  test("renames the file before it gets too large, and no message is in two files", async () => {
    const subject = exporter({ rotation: { max_megabytes: 1 } });
    await subject.start();
    await Promise.all(["a", "b", "c", "d", "e"].map((text) => subject.write(text + big)));
    await subject.stop();
    const names = readdirSync(subject.folder).sort();
    expect(names).toHaveLength(3);
    const texts = names.map((name) =>
      readFileSync(join(subject.folder, name), "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map(
          (line) => JSON.parse(line).resourceLogs[0].scopeLogs[0].logRecords[0].body.stringValue[0],
        ),
    );
    expect(texts).toEqual([["a", "b"], ["c", "d"], ["e"]]);
    expect(names.at(-1)).toBe("out.jsonl");
    expect(names[0]).toMatch(/^out-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.jsonl$/);
  });

  test("gives a message that is larger than a file one of its own", async () => {
    const subject = exporter({ rotation: { max_megabytes: 1 } });
    await subject.start();
    const texts = ["a", "b".repeat(1_500_000), "c"];
    const answers = await Promise.all(texts.map((text) => subject.write(text)));
    await subject.stop();
    expect(answers).toEqual(Array(3).fill({ status: "accepted" }));
    expect(readdirSync(subject.folder)).toHaveLength(3);
    expect(subject.content()).toBe(lineOf("c"));
  });

  test("keeps max_backups files, those of the start included", async () => {
    const folder = temporaryFolder();
    const old = ["2026-01-01", "2026-01-02", "2026-01-03"].map(
      (day) => `out-${day}T00-00-00.000.jsonl`,
    );
    for (const name of [...old, "out-notes.jsonl", "other-2026-01-01T00-00-00.000.jsonl"]) {
      writeFileSync(join(folder, name), "");
    }
    const subject = exporter({ rotation: { max_megabytes: 1, max_backups: 2 } }, { folder });
    await subject.start();
    expect(readdirSync(folder)).not.toContain(old[0]);
    expect(readdirSync(folder)).toContain(old[1]);
    for (const text of ["a", "b", "c"]) {
      await subject.write(text + big);
    }
    await subject.stop();
    const names = readdirSync(folder);
    expect(names.filter((name) => name.startsWith("out-2"))).toHaveLength(2);
    expect(names).toContain(old[2]);
    expect(names).toEqual(
      expect.arrayContaining(["out-notes.jsonl", "other-2026-01-01T00-00-00.000.jsonl"]),
    );
  });

  test("that fails lets the file grow, with an error, until it works again", async () => {
    const files = new FailingFiles();
    const subject = exporter({ rotation: { max_megabytes: 1 } }, { files });
    await subject.start();
    files.failing.set("rename", "EACCES");
    for (const text of ["a", "b", "c"]) {
      expect(await subject.write(text + big)).toEqual({ status: "accepted" });
    }
    expect(readdirSync(subject.folder)).toEqual(["out.jsonl"]);
    expect(subject.log).toMatchObject([{ level: "error", fields: { reason: "EACCES" } }]);
    expect(subject.statuses).toMatchObject([{ status: "recoverable_error" }]);
    files.failing.clear();
    await subject.write("d");
    expect(subject.content()).toBe(lineOf("d"));
    expect(subject.statuses.at(-1)).toEqual({ status: "ok" });
    await subject.stop();
  });
});

describe("when the disk fails", () => {
  test("senders are asked to retry, half a message is cut off, and the status follows", async () => {
    const files = new FailingFiles();
    const subject = exporter({}, { files });
    await subject.start();
    await subject.write("a");
    files.failing.set("write", "ENOSPC");
    files.partBytes = 30;
    expect(await subject.write("b")).toEqual({
      status: "retryable",
      message: "The file of this collector cannot be written (ENOSPC).",
    });
    expect(await subject.write("b")).toMatchObject({ status: "retryable" });
    expect(subject.content()).toBe(lineOf("a"));
    expect(subject.log).toMatchObject([
      {
        level: "error",
        message:
          "The file cannot be written and misses data that is not sent again. Free space, or correct the file or its directory.",
        fields: { path: subject.path, reason: "ENOSPC", unwritten_items: 1, held_back: 0 },
      },
    ]);
    expect(subject.statuses).toEqual([
      {
        status: "recoverable_error",
        message: "The disk is full, so nothing can be written to the file.",
      },
    ]);
    files.failing.clear();
    expect(await subject.write("b")).toEqual({ status: "accepted" });
    expect(subject.content()).toBe(lineOf("a") + lineOf("b"));
    expect(subject.statuses.at(-1)).toEqual({ status: "ok" });
    await subject.stop();
  });

  test("lines that were held back are in the log at the shutdown, with their items", async () => {
    const files = new FailingFiles();
    const subject = exporter({}, { files });
    await subject.start();
    files.failing.set("write", "EIO");
    for (const text of ["a", "b", "c"]) {
      await subject.write(text);
    }
    expect(subject.log).toHaveLength(1);
    await subject.stop();
    await subject.stop();
    expect(subject.log.map(({ fields }) => fields)).toMatchObject([
      { unwritten_items: 1, held_back: 0, held_back_items: 0 },
      { unwritten_items: 2, lines: 2, from: expect.any(String), until: expect.any(String) },
    ]);
    expect(subject.log.at(-1)!.message).toMatch(/^Held back until now: The file cannot be written/);
  });

  test("half a message that cannot be cut off is cut off before the next one", async () => {
    const files = new FailingFiles();
    const subject = exporter({}, { files });
    await subject.start();
    await subject.write("a");
    files.failing.set("write", "EIO").set("cut", "EIO");
    files.partBytes = 30;
    await subject.write("b");
    expect(subject.content()).toHaveLength(lineOf("a").length + 30);
    files.failing.delete("write");
    expect(await subject.write("c")).toMatchObject({ status: "retryable" });
    files.failing.clear();
    expect(await subject.write("c")).toEqual({ status: "accepted" });
    expect(subject.content()).toBe(lineOf("a") + lineOf("c"));
    await subject.stop();
  });

  test("a disk that is full at the start does not prevent it", async () => {
    const files = new FailingFiles();
    files.failing.set("open", "ENOSPC");
    const subject = exporter({}, { files });
    await subject.start();
    expect(subject.statuses).toMatchObject([{ status: "recoverable_error" }]);
    expect(await subject.write("a")).toMatchObject({ status: "retryable" });
    files.failing.clear();
    expect(await subject.write("a")).toEqual({ status: "accepted" });
    expect(subject.content()).toBe(lineOf("a"));
    await subject.stop();
  });

  test("a sync that fails is an error in the log", async () => {
    const files = new FailingFiles();
    const subject = exporter({}, { files });
    await subject.start();
    await subject.write("a");
    files.failing.set("sync", "EIO");
    subject.clock.advance(1_000);
    await until(() => subject.log.length > 0, patience("The log line"));
    expect(subject.log).toMatchObject([{ level: "error", fields: { reason: "EIO" } }]);
    await subject.stop();
  });

  test("and hangs, what waits is bounded, and a shutdown ends at its deadline", async () => {
    const files = new FailingFiles();
    const gate = deferred<void>();
    files.gate = gate.promise;
    const subject = exporter({}, { files });
    await subject.start();
    const text = "x".repeat(12 * 1024 * 1024);
    const answers = [1, 2, 3].map(() => subject.write(text));
    expect(await subject.write("one more")).toMatchObject({ status: "retryable" });
    await subject.stop(AbortSignal.abort());
    gate.resolve();
    expect(await Promise.all(answers)).toEqual(Array(3).fill({ status: "accepted" }));
    await subject.stop();
  });
});

describe("when the file is touched by others", () => {
  for (const [what, act] of [
    ["removed", (path: string) => unlinkSync(path)],
    ["renamed", (path: string) => renameSync(path, `${path}.1`)],
  ] as const) {
    test(`and ${what}, a new one is begun`, async () => {
      const subject = exporter();
      await subject.start();
      await subject.write("a");
      act(subject.path);
      expect(await subject.write("b")).toEqual({ status: "accepted" });
      expect(subject.content()).toBe(lineOf("b"));
      expect(subject.log).toMatchObject([
        {
          level: "warn",
          message: "The file was moved or removed. A new one is begun at its path.",
        },
      ]);
      await subject.stop();
    });
  }

  test("and truncated, writing goes on at its new end", async () => {
    const subject = exporter();
    await subject.start();
    await subject.write("a");
    truncateSync(subject.path, 0);
    await subject.write("b");
    expect(subject.content()).toBe(lineOf("b"));
    await subject.stop();
  });

  test("and its directory removed, it is made again only with create_directory", async () => {
    for (const [create_directory, want] of [
      [false, "retryable"],
      [true, "accepted"],
    ] as const) {
      const folder = join(temporaryFolder(), "deep", "below");
      const subject = exporter({ create_directory: true }, { folder });
      await subject.start();
      await subject.stop();
      const next = exporter({ create_directory }, { folder });
      await next.start();
      rmSync(folder, { recursive: true });
      expect((await next.write("a")).status).toBe(want);
      await next.stop();
    }
  });

  test("and replaced by a directory, senders are asked to retry", async () => {
    const subject = exporter();
    await subject.start();
    unlinkSync(subject.path);
    mkdirSync(subject.path);
    expect(await subject.write("a")).toMatchObject({ status: "retryable" });
    expect(subject.log.at(-1)).toMatchObject({
      level: "error",
      fields: { reason: `${subject.path} is a directory. Name a file in path.` },
    });
    await subject.stop();
  });
});

describe("it does not start", () => {
  const refusals: readonly (readonly [
    what: string,
    prepare: (folder: string) => Readonly<Record<string, unknown>>,
    message: RegExp,
  ])[] = [
    [
      "in a directory that does not exist",
      (folder) => ({ path: join(folder, "none", "out") }),
      /^the file .*none\/out cannot be opened for writing \(ENOENT\)\. The directory .*none does not exist\. Create it, or set create_directory: true\.$/,
    ],
    [
      "below a file",
      (folder) => {
        writeFileSync(join(folder, "plain"), "");
        return { path: join(folder, "plain", "out") };
      },
      /\(ENOTDIR\)\. A part of the path is a file and not a directory\. Correct path\.$/,
    ],
    [
      "with a path that is a directory",
      (folder) => ({ path: folder }),
      /^.* is a directory\. Name a file in path\.$/,
    ],
    [
      "with a path that is a device",
      () => ({ path: "/dev/null" }),
      /^\/dev\/null is a device, a pipe or a socket\. Name a regular file in path\.$/,
    ],
    [
      "below /proc, with create_directory",
      () => ({ path: "/proc/none/out", create_directory: true }),
      /^the file \/proc\/none\/out cannot be opened for writing \(ENOENT\)\. The directory \/proc\/none cannot be created there\. Set a path on a disk\.$/,
    ],
  ];
  for (const [what, prepare, message] of refusals) {
    test(what, async () => {
      const folder = temporaryFolder();
      const subject = exporter(prepare(folder), { folder });
      await expect(subject.start()).rejects.toThrow(message);
      await subject.stop();
    });
  }

  for (const [code, message] of [
    [
      "EACCES",
      /This user \(id \d+\) may not write it\. Give the file to this user, or set a path in a directory of this user\.$/,
    ],
    ["EROFS", /is on a read-only file system\. Set a path on a writable one\.$/],
  ] as const) {
    test(`where the system answers ${code}`, async () => {
      const files = new FailingFiles();
      files.failing.set("open", code);
      await expect(exporter({}, { files }).start()).rejects.toThrow(message);
    });
  }

  test("with a socket, without waiting for its other side", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "socket");
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once("listening", resolve));
    await expect(exporter({ path }).start()).rejects.toThrow(/a pipe or a socket/);
    server.close();
  });

  test("with a file that another exporter writes, by whatever path", async () => {
    const folder = temporaryFolder();
    const first = exporter({}, { folder, id: "file/first" });
    await first.start();
    await first.write("a");
    symlinkSync(folder, join(folder, "link"));
    const path = join(folder, "link", "out.jsonl");
    const second = exporter({ path }, { folder, id: "file/second" });
    await expect(second.start()).rejects.toThrow(
      `the file ${path} is already written by the exporter "file/first". Give each exporter a path of its own.`,
    );
    expect(first.content()).toBe(lineOf("a"));
    await first.stop();
    await second.start();
    await second.stop();
    expect(existsSync(path)).toBe(true);
  });
});

describe("a reload", () => {
  /** An exporter that has written `a`, and one with `section` that has replaced it and written `b`. */
  async function replaced(before: object, after: object) {
    const folder = temporaryFolder();
    const old = exporter({ ...before }, { folder });
    await old.start();
    await old.write("a");
    const heir = exporter({ ...after }, { folder, replaces: { sharesStorage: false } });
    await heir.start();
    heir.takeOver(old.handOver());
    expect(await heir.write("b")).toEqual({ status: "accepted" });
    await old.stop();
    await heir.stop();
    const names = readdirSync(folder).toSorted();
    return {
      names,
      read: (name: string) => readFileSync(join(folder, name), "utf8"),
      log: heir.log,
    };
  }

  for (const [title, before, after] of [
    ["without append", {}, { flush_interval: "2s" }],
    ["with append", { append: true }, { append: true, flush_interval: "2s" }],
    ["that append is taken from", { append: true }, {}],
    ["that rotation is added to", {}, { rotation: {} }],
  ] as const) {
    test(`goes on in the file of an exporter ${title}`, async () => {
      const { names, read, log } = await replaced(before, after);
      expect(names).toEqual(["out.jsonl"]);
      expect(read("out.jsonl")).toBe(lineOf("a") + lineOf("b"));
      expect(log).toEqual([]);
    });
  }

  for (const [title, before, after] of [
    ["format", { format: "proto" }, {}],
    ["format of a file that is continued", { format: "proto", append: true }, { append: true }],
    ["compression", { compression: "zstd" }, {}],
  ] as const) {
    test(`with another ${title} keeps the old file under another name`, async () => {
      const { names, read, log } = await replaced(before, after);
      expect(names).toEqual([expect.stringMatching(/^out-20.*\.jsonl$/), "out.jsonl"]);
      expect(read("out.jsonl")).toBe(lineOf("b"));
      expect(read(names[0]!).length).toBeGreaterThan(10);
      expect(log).toMatchObject([{ level: "warn", fields: { path: expect.any(String) } }]);
    });
  }

  test("that cannot rename the old file leaves it alone until it can", async () => {
    const folder = temporaryFolder();
    const files = new FailingFiles();
    const old = exporter({ format: "proto" }, { folder });
    await old.start();
    await old.write("a");
    const heir = exporter({}, { folder, files, replaces: { sharesStorage: false } });
    await heir.start();
    files.failing.set("rename", "EACCES");
    const written = readFileSync(old.path);
    heir.takeOver(old.handOver());
    expect(await heir.write("b")).toMatchObject({ status: "retryable" });
    expect(readFileSync(old.path)).toEqual(written);
    files.failing.clear();
    expect(await heir.write("b")).toEqual({ status: "accepted" });
    expect(heir.content()).toBe(lineOf("b"));
    await old.stop();
    await heir.stop();
  });

  test("with another path empties no file that is there, because a reload may go back", async () => {
    const path = (folder: string) => join(folder, "other.jsonl");
    const folder = temporaryFolder();
    writeFileSync(path(folder), lineOf("earlier"));
    const old = exporter({}, { folder });
    await old.start();
    const heir = exporter({ path: path(folder) }, { folder, replaces: { sharesStorage: false } });
    await heir.start();
    heir.takeOver(old.handOver());
    await heir.write("b");
    await old.stop();
    await heir.stop();
    const kept = readdirSync(folder).find((name) => name.startsWith("other-20"))!;
    expect(readFileSync(join(folder, kept), "utf8")).toBe(lineOf("earlier"));
    expect(readFileSync(path(folder), "utf8")).toBe(lineOf("b"));
  });
});

import { describe, expect, test } from "vitest";
import { createSegment } from "../../../src/extensions/file_storage/log-segment.ts";
import { Segments } from "../../../src/extensions/file_storage/segments.ts";
import { WriteBuffer } from "../../../src/extensions/file_storage/write-buffer.ts";
import { deferred } from "../../support/deferred.ts";
import { FakeDisk } from "./fake-disk.ts";
import { bytesOf, directory, recovered, settled } from "./open-journal.ts";

const unixMs = 1_795_000_000_000;

async function opened() {
  const disk = new FakeDisk();
  const segments = new Segments({ disk, directory }, { lastNumber: 0, segments: [] });
  const segment = await createSegment({
    disk,
    directory,
    segments,
    fsync: true,
    endMark: { isOpen: false },
  });
  const buffer = new WriteBuffer();
  const add = (...texts: readonly string[]) => texts.map((text) => buffer.add(bytesOf(text)));
  return { disk, segment, buffer, add };
}

/** What a start would find now. */
const storedOn = (disk: FakeDisk) => recovered(FakeDisk.of(disk.files()));

describe("a write buffer", () => {
  test("writes what was added in one frame, and what is added meanwhile in the next one", async () => {
    const { disk, segment, buffer, add } = await opened();
    const gate = deferred<void>();
    disk.pause = (name) => (name === "write" ? gate.promise : undefined);
    add("a", "b");
    const writing = buffer.write(segment, { endSequence: 2, unixMs });
    add("c");
    expect(buffer.count).toBe(1);
    gate.resolve();
    expect(await writing).toMatchObject({ position: 0, endSequence: 2 });
    expect(await storedOn(disk)).toEqual(["a", "b"]);
    await buffer.write(segment, { endSequence: 3, unixMs });
    expect(await storedOn(disk)).toEqual(["a", "b", "c"]);
    expect(buffer.count).toBe(0);
  });

  test("that must not wait writes again what is on its way, and writes no record twice", async () => {
    const { disk, segment, buffer, add } = await opened();
    const gate = deferred<void>();
    disk.pause = (name) => (name === "write" ? gate.promise : undefined);
    add("on its way");
    const writing = buffer.write(segment, { endSequence: 1, unixMs });
    await settled();
    add("now");
    buffer.writeNow(segment, { endSequence: 2, unixMs });
    expect(buffer.count).toBe(0);
    expect(await storedOn(disk)).toEqual(["on its way", "now"]);
    add("later");
    gate.resolve();
    await writing;
    await buffer.write(segment, { endSequence: 3, unixMs });
    expect(await storedOn(disk)).toEqual(["on its way", "now", "later"]);
  });

  test("forgets what could not be written, and can be used again", async () => {
    const { disk, segment, buffer, add } = await opened();
    disk.fault = (name) => (name === "write" ? "EIO" : undefined);
    add("lost");
    await expect(buffer.write(segment, { endSequence: 1, unixMs })).rejects.toMatchObject({
      code: "EIO",
    });
    expect(buffer.count).toBe(0);
    disk.fault = () => undefined;
    add("kept");
    const { bytes } = await buffer.write(segment, { endSequence: 2, unixMs });
    expect(bytes).toBe(32 + 4 + "kept".length);
  });

  test("holds 32 MiB for each of two writes, and refuses what is more", async () => {
    const { disk, segment, buffer } = await opened();
    const gate = deferred<void>();
    disk.pause = (name) => (name === "write" ? gate.promise : undefined);
    const large = new Uint8Array(16 * 1024 * 1024);
    expect([buffer.add(large), buffer.add(large), buffer.add(large)]).toEqual([true, true, false]);
    const writing = buffer.write(segment, { endSequence: 2, unixMs });
    expect([buffer.add(large), buffer.add(large), buffer.add(large)]).toEqual([true, true, false]);
    expect({ count: buffer.count, byteLength: buffer.byteLength }).toEqual({
      count: 2,
      byteLength: 32 + 2 * (4 + large.length),
    });
    gate.resolve();
    await writing;
  });
});

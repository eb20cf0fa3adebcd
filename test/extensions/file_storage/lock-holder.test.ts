import { expect, test } from "vitest";
import { fileKey, holderIn } from "../../../src/extensions/file_storage/lock-holder.ts";

const locks = `1: POSIX  ADVISORY  WRITE 8957 fe:00:10709484 1073741824 1073742335
1: -> POSIX  ADVISORY  WRITE 11 fe:00:99 0 EOF
2: FLOCK  ADVISORY  WRITE 12 fe:00:99 0 EOF
3: POSIX  ADVISORY  WRITE 0 fe:00:99 0 EOF
4: POSIX  ADVISORY  READ 13 103:05:99 0 EOF
5: POSIX  ADVISORY  WRITE 14 fe:00:991 0 EOF
6: POSIX  ADVISORY  WRITE 15 fe:00:99 0 EOF
`;

test("the holder of a lock is the process that has it: not one that waits, is hidden, or holds another kind or file", () => {
  expect(holderIn(locks, "fe:00:99")).toBe(15);
  expect(holderIn(locks, "fe:00:10709484")).toBe(8957);
  expect(holderIn(locks, "fe:01:99")).toBeUndefined();
  expect(holderIn("", "fe:00:99")).toBeUndefined();
});

test("a file is named as the system names it, with large numbers of a device, too", () => {
  expect(fileKey(0xfe00n, 10_709_484n)).toBe("fe:00:10709484");
  // 259:5, and a minor number of more than 8 bits.
  expect(fileKey(0x10305n, 99n)).toBe("103:05:99");
  expect(holderIn(locks, fileKey(0x10305n, 99n))).toBe(13);
  expect(fileKey(0x100801n, 1n)).toBe("08:101:1");
});

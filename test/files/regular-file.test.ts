import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  readRegularFile,
  readRegularFileSync,
  UnreadableFile,
} from "../../src/files/regular-file.ts";

const folder = mkdtempSync(join(tmpdir(), "regular-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

for (const [how, read] of [
  ["later", readRegularFile],
  ["at once", async (path: string, most: number) => readRegularFileSync(path, most)],
] as const) {
  const problemOf = (path: string, most = 1024) =>
    read(path, most).then(
      () => "none",
      (error: unknown) => (error instanceof UnreadableFile ? error.message : error),
    );

  describe(`read ${how}`, () => {
    test("a file is read whole, up to the limit, also through a link and without a size", async () => {
      const path = fileWith("whole", "x".repeat(200_000));
      expect(await read(path, 200_000)).toHaveLength(200_000);
      expect(await read(fileWith("empty", ""), 0)).toHaveLength(0);
      const link = join(folder, `link ${how}`);
      symlinkSync(path, link);
      expect(await read(link, 200_000)).toHaveLength(200_000);
      expect(Buffer.from(await read("/proc/self/limits", 10_000)).toString()).toContain("Max");
    });

    test("a larger one is not, also if it has no size or has one without content", async () => {
      expect(await problemOf(fileWith("large", "x".repeat(1025)))).toBe(
        "it is larger than 1024 bytes.",
      );
      const sparse = fileWith("sparse", "");
      truncateSync(sparse, 2 ** 40);
      expect(await problemOf(sparse, 2 ** 20)).toBe("it is larger than 1 MiB.");
      expect(await problemOf("/proc/self/limits", 10)).toBe("it is larger than 10 bytes.");
    });

    test("what is no file is not opened", async () => {
      const pipe = join(folder, `pipe ${how}`);
      execFileSync("mkfifo", [pipe]);
      expect(await problemOf(pipe)).toBe("it is a pipe or a socket, not a file.");
      expect(await problemOf("/dev/zero")).toBe("it is a device, not a file.");
      expect(await problemOf(folder)).toBe("it is a directory.");
    });

    test("what is not there, or cannot be, says so", async () => {
      expect(await problemOf(join(folder, "none"))).toBe("there is no such file.");
      expect(await problemOf(join(folder, "whole", "below"))).toBe("there is no such file.");
      expect(await problemOf("a\u0000b")).toBe("its name contains a zero byte.");
      expect(await problemOf("x".repeat(5_000))).toBe("its name is too long.");
      symlinkSync(join(folder, `b ${how}`), join(folder, `a ${how}`));
      symlinkSync(join(folder, `a ${how}`), join(folder, `b ${how}`));
      expect(await problemOf(join(folder, `a ${how}`))).toBe(
        "its symbolic links lead to each other.",
      );
    });
  });
}

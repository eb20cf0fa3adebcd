import { describe, expect, test } from "vitest";
import { expiredNames, rotatedPath } from "../../../src/exporters/file/rotated-files.ts";

const rotation = { max_megabytes: 100, max_days: 0, max_backups: 0, localtime: false };
const unixMs = Date.UTC(2026, 8, 14, 5, 2, 14, 173);

describe("a rotated file is named", () => {
  for (const [path, want] of [
    ["/a/data.json", "/a/data-2026-09-14T05-02-14.173.json"],
    ["/a/data", "/a/data-2026-09-14T05-02-14.173"],
    ["a.b/data.x.json", "a.b/data.x-2026-09-14T05-02-14.173.json"],
    [".hidden", ".hidden-2026-09-14T05-02-14.173"],
  ] as const) {
    test(`${path} becomes ${want}`, () => {
      expect(rotatedPath(path, unixMs, rotation)).toBe(want);
    });
  }

  test("by local time if that is wanted", () => {
    const zone = process.env["TZ"];
    process.env["TZ"] = "Asia/Kathmandu";
    try {
      expect(rotatedPath("data", unixMs, { ...rotation, localtime: true })).toBe(
        "data-2026-09-14T10-47-14.173",
      );
    } finally {
      process.env["TZ"] = zone;
      if (zone === undefined) {
        delete process.env["TZ"];
      }
    }
  });
});

describe("of the rotated files", () => {
  const nameAt = (ageDays: number) =>
    rotatedPath("data.json", unixMs - ageDays * 86_400_000, rotation);
  const names = [nameAt(3), nameAt(0.5), nameAt(1.5), "data.json", "data-old.json", "data-1.json"];
  const expired = (options: object) =>
    expiredNames("/a/data.json", { names, unixMs, rotation: { ...rotation, ...options } });

  for (const [what, options, want] of [
    ["all are kept without limits", {}, []],
    ["the newest max_backups are kept", { max_backups: 1 }, [nameAt(1.5), nameAt(3)]],
    ["those are kept that are not older than max_days", { max_days: 2 }, [nameAt(3)]],
    ["both limits count", { max_days: 1, max_backups: 2 }, [nameAt(1.5), nameAt(3)]],
  ] as const) {
    test(what, () => {
      expect(expired(options)).toEqual(want);
    });
  }

  test("the age of one with a local time is by local time", () => {
    const local = { ...rotation, localtime: true };
    const name = rotatedPath("data.json", unixMs, local);
    const expiredAfter = (ms: number) =>
      expiredNames("data.json", {
        names: [name],
        unixMs: unixMs + ms,
        rotation: { ...local, max_days: 1 },
      });
    expect(expiredAfter(86_400_000)).toEqual([]);
    expect(expiredAfter(86_400_001)).toEqual([name]);
  });
});

import { basename, dirname, extname, join } from "node:path";
import type { RotationConfig } from "./config.ts";

const msPerDay = 24 * 60 * 60 * 1000;

/** The name that a file gets when it is rotated: the time before its extension, e.g. `data-2026-09-14T05-02-14.173.json`. */
export function rotatedPath(
  path: string,
  unixMs: number,
  { localtime }: Pick<RotationConfig, "localtime">,
): string {
  const extension = extname(path);
  const stem = basename(path, extension);
  return join(dirname(path), `${stem}-${timeText(unixMs, localtime)}${extension}`);
}

/** The names of rotated files that are to be deleted, out of all names in the directory. */
export function expiredNames(
  path: string,
  {
    names,
    unixMs,
    rotation,
  }: {
    readonly names: readonly string[];
    readonly unixMs: number;
    readonly rotation: RotationConfig;
  },
): readonly string[] {
  const { max_backups, max_days, localtime } = rotation;
  return names
    .map((name) => ({ name, atMs: timeIn(name, path, localtime) }))
    .flatMap(({ name, atMs }) => (atMs === undefined ? [] : [{ name, atMs }]))
    .sort((a, b) => b.atMs - a.atMs)
    .filter(
      ({ atMs }, index) =>
        (max_backups > 0 && index >= max_backups) ||
        (max_days > 0 && unixMs - atMs > max_days * msPerDay),
    )
    .map(({ name }) => name);
}

function timeText(unixMs: number, isLocal: boolean): string {
  const time = new Date(unixMs);
  // Shifted by the offset, the UTC fields of a time are its local ones.
  const shown = isLocal ? new Date(unixMs - time.getTimezoneOffset() * 60_000) : time;
  return shown.toISOString().replace(/Z$/, "").replaceAll(":", "-");
}

/** The time in the name of a rotated file; `undefined` for any other name. */
function timeIn(name: string, path: string, isLocal: boolean): number | undefined {
  const extension = extname(path);
  const prefix = `${basename(path, extension)}-`;
  if (!name.startsWith(prefix) || !name.endsWith(extension)) {
    return undefined;
  }
  const text = name.slice(prefix.length, name.length - extension.length);
  const [, day, hours, minutes, seconds] =
    /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(text) ?? [];
  const atMs = Date.parse(`${day}T${hours}:${minutes}:${seconds}${isLocal ? "" : "Z"}`);
  return Number.isNaN(atMs) ? undefined : atMs;
}

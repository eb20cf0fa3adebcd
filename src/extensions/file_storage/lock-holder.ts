import { readFile, stat } from "node:fs/promises";

/**
 * The process that holds a lock on a file, as Linux lists it; `undefined` where the system does not, or hides it because the process
 * is in another container. Does not open the file.
 */
export async function lockHolder(path: string): Promise<number | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return holderIn(await readFile("/proc/locks", "utf8"), fileKey(dev, ino));
  } catch {
    return undefined;
  }
}

/** Finds the process in lines like `1: POSIX  ADVISORY  WRITE 8957 fe:00:10709484 1073741824 1073742335`. */
export function holderIn(locks: string, key: string): number | undefined {
  for (const line of locks.split("\n")) {
    const [, type, , , process = "", file] = line.split(/\s+/);
    const pid = Number(process);
    // A process of another container is 0, and `->` in the place of the type is one that waits.
    if (type === "POSIX" && file === key && Number.isInteger(pid) && pid > 0) {
      return pid;
    }
  }
  return undefined;
}

/** Device and inode as that list has them, from the numbers of `stat`, in which Linux spreads both parts of the device. */
export function fileKey(device: bigint, inode: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  const hex = (part: bigint) => part.toString(16).padStart(2, "0");
  return `${hex(major)}:${hex(minor)}:${inode}`;
}

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const mounted = new Set<string>();

/** Mounts a small disk in memory. */
export function mountDisk(path: string, options = "size=2m"): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path], { stdio: "pipe" });
  mounted.add(path);
}

/** Unmounts it, if it is mounted. */
export function unmountDisk(path: string): void {
  if (mounted.delete(path)) {
    execFileSync("umount", [path]);
  }
}

/** Mounting takes a privilege. */
export const canMount = ((): boolean => {
  const probe = mkdtempSync(join(tmpdir(), "mount-"));
  try {
    mountDisk(probe);
    unmountDisk(probe);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true });
  }
})();

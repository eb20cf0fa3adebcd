import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isSkippedWithout } from "../../support/external-tool.ts";
import { pathOf } from "../../support/repository.ts";
import type { ImageConfig } from "./image-layout.ts";

/** Whether there is no way to run containers here: namespaces take a privilege. */
export const lacksContainers = isSkippedWithout("namespaces", namespaceProblems());

function namespaceProblems(): readonly string[] {
  const { status, stderr, error } = spawnSync("unshare", ["--mount", "--net", "true"], {
    encoding: "utf8",
  });
  return status === 0 ? [] : [error?.message ?? stderr.trim()];
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A process on the files of an image, as a container runtime would run it. */
export interface Container {
  readonly pid: number;
  readonly stderr: () => string;
  /** Resolves when it has said this on stderr; rejects when it ends without. */
  said(text: string): Promise<void>;
  /** Makes a request from inside, where alone the collector listens. Rejects when nobody answers. */
  request(url: string, json?: unknown): Answer;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<number | null>;
}

/**
 * Runs the image's own command as its own user, without a way to get privileges, with a read-only root and a network of its own.
 * `volume` is mounted on the image's volume; without one, that is read-only, too.
 */
export function runContainer(image: ImageConfig, volume?: string): Container {
  const { rootfs, command, env, workingDirectory, uid, gid } = image;
  const mounts = image.volumes.flatMap((path) =>
    volume === undefined ? [] : [`mount --bind ${quoted(volume)} ${quoted(join(rootfs, path))}`],
  );
  const script = [
    "set -e",
    "mount --make-rprivate /",
    "ip link set lo up",
    `mount --bind ${quoted(rootfs)} ${quoted(rootfs)}`,
    ...mounts,
    `mount -t proc proc ${quoted(join(rootfs, "proc"))}`,
    `mount -t tmpfs -o ro tmpfs ${quoted(join(rootfs, "dev"))}`,
    `mount -o remount,bind,ro ${quoted(rootfs)}`,
    `exec setpriv --no-new-privs --inh-caps=-all unshare --root=${quoted(rootfs)} --wd=${quoted(workingDirectory)} --setgid=${gid} --setuid=${uid} -- "$@"`,
  ].join("\n");
  const child = spawn("unshare", ["--mount", "--net", "sh", "-c", script, "sh", ...command], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const { pid } = child;
  if (pid === undefined) {
    throw new Error("The container could not be started.");
  }
  let stderr = "";
  let notify = () => {};
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    notify();
  });
  const ended = endOf(child);
  return {
    pid,
    stderr: () => stderr,
    said: (text) =>
      new Promise((resolve, reject) => {
        notify = () => {
          if (stderr.includes(text)) {
            resolve();
          }
        };
        notify();
        void ended.then(() => reject(new Error(`It ended: ${stderr}`)));
      }),
    request(url, json) {
      const client = [pathOf("test/system/image/request-child.ts"), url];
      const output = execFileSync(
        "nsenter",
        [
          `--net=/proc/${pid}/ns/net`,
          process.execPath,
          ...client,
          ...(json === undefined ? [] : [JSON.stringify(json)]),
        ],
        { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout: 20_000 },
      );
      return JSON.parse(output);
    },
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

/** Of the process's own view of its rights, the lines with these names. */
export function statusOf(pid: number, names: readonly string[]): readonly string[] {
  return readFileSync(`/proc/${pid}/status`, "utf8")
    .split("\n")
    .filter((line) => names.includes(line.split(":", 1)[0] ?? ""))
    .map((line) => line.replaceAll(/\s+/g, " ").trim());
}

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once("close", resolve);
  });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

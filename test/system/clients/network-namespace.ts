import { spawn, spawnSync } from "node:child_process";
import { isSkippedWithout } from "../../support/external-tool.ts";

/** A network of its own, with nothing but loopback, where every port is free. */
export interface NetworkNamespace {
  /** Runs a command in it: what comes before the command. */
  readonly runner: readonly string[];
  close(): Promise<void>;
}

/** Whether none can be made here: that takes a privilege. */
export const lacksNetworkNamespaces = isSkippedWithout("network namespaces", problems());

function problems(): readonly string[] {
  const { status, stderr, error } = spawnSync(
    "unshare",
    ["--net", "sh", "-c", "ip link set lo up"],
    { encoding: "utf8" },
  );
  return status === 0 ? [] : [error?.message ?? stderr.trim()];
}

export async function openNetworkNamespace(): Promise<NetworkNamespace> {
  // It lasts as long as a process is in it: one that waits for the end of its input, which ends with us.
  const holder = spawn("unshare", ["--net", "sh", "-c", "ip link set lo up && echo up && cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => holder.once("close", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once("data", () => resolve());
    void ended.then(() => reject(new Error("The network namespace could not be made.")));
  });
  return {
    runner: ["nsenter", `--net=/proc/${holder.pid}/ns/net`],
    close() {
      holder.stdin.end();
      return ended;
    },
  };
}

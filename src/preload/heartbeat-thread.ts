import { Worker } from "node:worker_threads";
import type { TlsOptions } from "../sender/http-client.ts";
import type { Word } from "./heartbeat-sender.ts";

/** What the thread needs to know; it is copied there. */
export interface HeartbeatSettings {
  /** That takes `ExportLogsServiceRequest`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** A thread that says of processes what it is given. */
export interface HeartbeatThread {
  say(words: readonly Word[]): void;
}

/** It needs little: some objects, one connection. */
const resourceLimits = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 2 };

/**
 * Starts the thread of `heartbeat-worker.ts`. It does not keep the process alive. `onEnd` is called when it ends by
 * itself. Throws where threads are not allowed.
 */
export function startHeartbeatThread(
  settings: HeartbeatSettings,
  listener: { readonly onProblem: (message: string) => void; readonly onEnd: () => void },
): HeartbeatThread {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./heartbeat-worker.${extension}`, import.meta.url), {
    workerData: settings,
    resourceLimits,
    // Neither what the application preloads, nor this preload again.
    execArgv: [],
    env: {},
    stdout: true,
    stderr: true,
  });
  worker.on("message", (message) => listener.onProblem(String(message)));
  worker.on("error", (error) =>
    listener.onProblem(`The thread that sends heartbeats failed. ${String(error)}`),
  );
  worker.on("exit", listener.onEnd);
  // After the listeners: each of them would hold the process again.
  worker.unref();
  return { say: (words) => worker.postMessage(words) };
}

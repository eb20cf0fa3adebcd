import { Worker } from "node:worker_threads";
import type { TlsOptions } from "../sender/http-client.ts";
import type { ProcessReport } from "./heartbeat-sender.ts";

/** The settings of the thread, which gets a copy. */
export interface HeartbeatSettings {
  /** The address for `ExportLogsServiceRequest`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** A thread that sends reports on processes. */
export interface HeartbeatThread {
  report(reports: readonly ProcessReport[]): void;
}

/** The thread needs little memory: some objects and one connection. */
const resourceLimits = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 2 };

/**
 * Starts the thread of `heartbeat-worker.ts`. It does not keep the process alive. `onEnd` is called when it ends by
 * itself. Throws if threads are not allowed.
 */
export function startHeartbeatThread(
  settings: HeartbeatSettings,
  listener: { readonly onProblem: (message: string) => void; readonly onEnd: () => void },
): HeartbeatThread {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./heartbeat-worker.${extension}`, import.meta.url), {
    workerData: settings,
    resourceLimits,
    // The thread must load neither the application's preloads nor this one again.
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
  // After the listeners, because adding one keeps the process alive again.
  worker.unref();
  return { report: (reports) => worker.postMessage(reports) };
}

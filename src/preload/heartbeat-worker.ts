/**
 * The thread that sends heartbeats. A thread, because a tool that blocks the event loop of the application for minutes must not
 * look like a dead process. It gets its settings as `workerData` and `ProcessReport`s as messages, and posts problems back.
 */
import { parentPort, workerData } from "node:worker_threads";
import { createHttpClient } from "../sender/http-client.ts";
import { systemClock } from "../system-clock.ts";
import { HeartbeatSender, type ProcessReport } from "./heartbeat-sender.ts";
import type { HeartbeatSettings } from "./heartbeat-thread.ts";

const { url, headers, tls, intervalMs, timeoutMs }: HeartbeatSettings = workerData;

const sender = new HeartbeatSender({
  clock: systemClock,
  client: createHttpClient({
    endpoint: new URL(url),
    headers,
    tls,
    timeoutMs,
    clock: systemClock,
    contentType: "application/json",
  }),
  intervalMs,
  onProblem: (message) => parentPort?.postMessage(message),
});

parentPort?.on("message", (reports: readonly ProcessReport[]) => sender.report(reports));

import { z } from "zod";
import { storageId } from "../config/storage-id.ts";
import { duration } from "../config/units.ts";

/** `timeout` of an exporter: how long one attempt may take. */
export function timeoutOption(fallback: string) {
  return duration({ min: "1ms" })
    .prefault(fallback)
    .describe("How long one attempt may take, from connecting to the end of the response.");
}

/** `retry_on_failure` of an exporter; keys and defaults are the Collector's. */
export function retryOnFailure() {
  return z
    .strictObject({
      enabled: z
        .boolean()
        .prefault(true)
        .describe("Whether a request that failed for a reason that may pass is sent again."),
      initial_interval: duration({ min: "1ms" })
        .prefault("5s")
        .describe("The wait after the first failure."),
      randomization_factor: z
        .number()
        .min(0)
        .max(1)
        .prefault(0.5)
        .describe("Each wait is varied at random by up to this part of it, in both directions."),
      multiplier: z
        .number()
        .min(1)
        .max(1000)
        .prefault(1.5)
        .describe("How much longer each wait is than the one before."),
      max_interval: duration({ min: "1ms" })
        .prefault("30s")
        .describe(
          "The longest wait, before it is varied. A longer Retry-After of the backend is obeyed.",
        ),
      max_elapsed_time: duration({ min: "0s" })
        .prefault("5m")
        .describe(
          "How long after the first attempt a request is given up. Its data is then lost, counted and logged. 0s: never.",
        ),
    })
    .check((context) => {
      const { enabled, initial_interval, max_interval, max_elapsed_time } = context.value;
      if (!enabled || max_elapsed_time === 0) {
        return;
      }
      const shorter = max_elapsed_time < initial_interval ? "initial_interval" : "max_interval";
      if (max_elapsed_time < initial_interval || max_elapsed_time < max_interval) {
        context.issues.push({
          code: "custom",
          input: max_elapsed_time,
          path: ["max_elapsed_time"],
          message: `must not be shorter than ${shorter}; use 0s to retry without an end.`,
        });
      }
    })
    .prefault({})
    .describe("Sends a request again when the backend cannot take it at the moment.");
}

const sizers = ["requests", "items", "bytes"] as const;

const defaultQueueSize = 1000;

/** What the size of a queue counts. */
export type Sizer = (typeof sizers)[number];

/** `sending_queue` of an exporter; keys and defaults are the Collector's. */
export function sendingQueue() {
  return z
    .strictObject({
      enabled: z
        .boolean()
        .prefault(true)
        .describe(
          "Whether requests wait in a queue. Without it, a sender gets the result of sending its data.",
        ),
      num_consumers: z
        .int()
        .min(1)
        .max(1000)
        .prefault(10)
        .describe("How many requests of a signal are sent at a time."),
      queue_size: z
        .int()
        .min(1)
        .max(Number.MAX_SAFE_INTEGER)
        .prefault(defaultQueueSize)
        .describe(
          "The most that waits or is being sent, for each signal, counted as sizer says. Beyond this, senders are asked to retry. With sizer bytes it must be written.",
        ),
      sizer: z
        .enum(sizers)
        .prefault("requests")
        .describe(
          "What queue_size counts: requests, items (spans, data points, log records) or bytes.",
        ),
      block_on_overflow: z
        .boolean()
        .prefault(false)
        .describe("Whether a request waits for room in a full queue instead of being refused."),
      wait_for_result: z
        .boolean()
        .prefault(false)
        .describe(
          "Whether a sender gets the result of sending its data instead of the acknowledgement that it is queued. Not with storage.",
        ),
      storage: storageId().describe(
        "The storage extension that keeps the queue across restarts and crashes. Without it, the queue is in memory only.",
      ),
      batch: z
        .strictObject({
          flush_timeout: duration({ min: "1ms", max: "1h" })
            .prefault("200ms")
            .describe("How long a request waits for others at the most."),
          min_size: z
            .int()
            .min(0)
            .max(Number.MAX_SAFE_INTEGER)
            .prefault(8192)
            .describe("A batch of this size is sent at once, counted as its sizer says."),
          max_size: z
            .int()
            .min(0)
            .max(Number.MAX_SAFE_INTEGER)
            .prefault(0)
            .describe(
              "Requests are merged up to this size. 0: without a bound. A single request that is larger is sent as it is.",
            ),
          sizer: z
            .enum(["items", "bytes"])
            .optional()
            .describe(
              "What min_size and max_size count. Without it, what queue_size counts, or items if that is requests.",
            ),
        })
        .check((context) => {
          const { min_size, max_size } = context.value;
          if (max_size > 0 && max_size < min_size) {
            context.issues.push({
              code: "custom",
              input: max_size,
              path: ["max_size"],
              message: "must not be smaller than min_size; use 0 for no bound.",
            });
          }
        })
        .optional()
        .describe(
          "Merges requests of a signal before they are sent. Off unless it is written, e.g. batch: {}.",
        ),
    })
    .check((context) => {
      const { enabled, storage, wait_for_result, sizer, queue_size, batch } = context.value;
      if (
        batch !== undefined &&
        batchSizer(context.value) === sizer &&
        batch.min_size > queue_size
      ) {
        context.issues.push({
          code: "custom",
          input: batch.min_size,
          path: ["batch", "min_size"],
          message: `must not be larger than queue_size (${queue_size}), because a batch is collected in the queue.`,
        });
      }
      if (sizer === "bytes" && queue_size === defaultQueueSize) {
        context.issues.push({
          code: "custom",
          input: sizer,
          path: ["sizer"],
          message: `is bytes, but queue_size is ${defaultQueueSize}, which is the default for requests and too small for bytes; write the number of bytes, e.g. queue_size: 67108864 for 64 MiB.`,
        });
      }
      if (storage !== undefined && wait_for_result) {
        context.issues.push({
          code: "custom",
          input: true,
          path: ["wait_for_result"],
          message:
            "cannot be combined with storage, because a stored request is delivered after a restart, too.",
        });
      }
      if (storage !== undefined && !enabled) {
        context.issues.push({
          code: "custom",
          input: storage,
          path: ["storage"],
          message: "has no effect, because enabled is false. Enable the queue or remove storage.",
        });
      }
    })
    .prefault({})
    .describe("Keeps requests until the backend has taken them.");
}

export type RetryConfig = z.output<ReturnType<typeof retryOnFailure>>;
export type QueueConfig = z.output<ReturnType<typeof sendingQueue>>;
export type BatchConfig = NonNullable<QueueConfig["batch"]>;

/** The options that every exporter with a backend has. Durations in milliseconds. */
export interface DeliveryConfig {
  readonly timeout: number;
  readonly retry_on_failure: RetryConfig;
  readonly sending_queue: QueueConfig;
}

/** `batch` with what its sizes count. */
export type BatchRules = Omit<BatchConfig, "sizer"> & { readonly sizer: "items" | "bytes" };

/** The rules of batches; `undefined` if there are none. */
export function batchRulesOf(queue: Pick<QueueConfig, "batch" | "sizer">): BatchRules | undefined {
  return queue.batch && { ...queue.batch, sizer: batchSizer(queue) };
}

function batchSizer({ batch, sizer }: Pick<QueueConfig, "batch" | "sizer">): BatchRules["sizer"] {
  return batch?.sizer ?? (sizer === "requests" ? "items" : sizer);
}

import type { CancelTimer } from "../../component/clock.ts";
import type { Component } from "../../component/component.ts";
import type { ConsumeResult, Consumer } from "../../component/consumer.ts";
import type { Settings } from "../../component/settings.ts";
import type { Signal } from "../../otlp/payload.ts";
import type { Config } from "./config.ts";
import { limiterInstruments } from "./limiter-instruments.ts";
import { levelOfMemory, mebibyte, thresholdsOf } from "./memory-thresholds.ts";
import { MemoryWatch } from "./memory-watch.ts";

type Refusal = Exclude<ConsumeResult, { readonly status: "accepted" }>;

/**
 * Refuses data while the memory of the process is above the soft limit. The senders retry later. A receiver asks before it reads a
 * request (`Consumer.refusal`), so that refused requests cost no memory.
 *
 * Keeps nothing of the data.
 */
export function createMemoryLimiter(settings: Settings, config: Config): Component {
  const { clock, logger, memory, meter, id } = settings;
  const thresholds = thresholdsOf(config, memory);
  const watch = new MemoryWatch({ settings, config, thresholds });
  const refused: Refusal = {
    status: "retryable",
    message: "data refused due to high memory usage",
    retryAfterMs: config.check_interval,
  };
  const stopping: Refusal = {
    status: "retryable",
    message: "The collector is stopping and accepts no more data.",
  };
  let cancel: CancelTimer = () => {};
  let isShutDown = false;

  const refusalNow = (): Refusal | undefined => {
    if (isShutDown) {
      return stopping;
    }
    return watch.isRefusing ? refused : undefined;
  };

  function countsOf(signal: Signal) {
    const specs = limiterInstruments(signal);
    const add = ({ name, unit, description }: (typeof specs)["accepted" | "refused"]) => {
      const counter = meter.createCounter(name, { unit, description });
      counter.add(0, { processor: id }); // A rate needs a zero to begin from.
      return (items: number) => counter.add(items, { processor: id });
    };
    return { accepted: add(specs.accepted), refused: add(specs.refused) };
  }

  /** After the first check, which has collected garbage. The heap is left out: its limit does not follow from `limit_mib`. */
  function warnIfAlwaysRefusing(): void {
    const { rssBytes, liveBytes } = memory.usage();
    const { softBytes, hardBytes } = thresholds.rss;
    if (levelOfMemory({ rssBytes, liveBytes }, thresholds.rss) === "normal") {
      return;
    }
    logger.warn(
      `The limit is below what this process uses before any data arrives, so it will refuse all data. Raise ${config.limit_mib > 0 ? "limit_mib" : "limit_percentage or the memory limit of the process"}.`,
      {
        live_mib: Math.ceil(liveBytes / mebibyte),
        soft_limit_mib: Math.floor(softBytes / mebibyte),
        rss_mib: Math.ceil(rssBytes / mebibyte),
        hard_limit_mib: Math.floor(hardBytes / mebibyte),
      },
    );
  }

  return {
    processor: {
      wrap(signal: Signal, next: Consumer): Consumer {
        const counts = countsOf(signal);
        return {
          async consume(payload) {
            const refusal = refusalNow();
            if (refusal !== undefined) {
              counts.refused(payload.items);
              return refusal;
            }
            counts.accepted(payload.items);
            return next.consume(payload);
          },
          refusal: () => refusalNow() ?? next.refusal?.(),
        };
      },
    },

    async start() {
      logger.info("Watching the memory of the process.", {
        soft_limit_mib: Math.floor(thresholds.rss.softBytes / mebibyte),
        hard_limit_mib: Math.floor(thresholds.rss.hardBytes / mebibyte),
        memory_limit_mib: Math.floor(memory.limit.bytes / mebibyte),
        memory_limit_source: memory.limit.source,
        heap_limit_mib: Math.floor(memory.heapLimitBytes / mebibyte),
        collects_garbage: memory.collectGarbage !== undefined,
      });
      if (thresholds.rss.hardBytes > memory.limit.bytes) {
        logger.warn(
          "limit_mib is above the memory limit of the process, so the kernel may end the process before data is refused. Lower limit_mib, or use limit_percentage.",
          { limit_mib: config.limit_mib, memory_limit_mib: memory.limit.bytes / mebibyte },
        );
      }
      watch.check();
      warnIfAlwaysRefusing();
      cancel = clock.every(config.check_interval, () => watch.check());
    },

    async shutdown() {
      cancel();
      isShutDown = true;
    },
  };
}

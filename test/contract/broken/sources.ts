import type { Payload } from "../../../src/otlp/payload.ts";
import {
  goesOnAfterBrokenNext,
  heedsDeadlineAsReceiver,
  keepsNothingPassedOn,
  passesNothingOnAfterShutdown,
  passesOn,
  showsItsMetrics,
} from "../receiver-checks.ts";
import { asksItsSources, heedsDeadlineWhenAsked, survivesBrokenSource } from "../scrape-checks.ts";
import { journalsAnswerAfterShutdown, opensJournalsWhileItRuns } from "../storage-checks.ts";
import { type Broken, brokenFor } from "./broken-component.ts";
import { SoundProcessor, SoundScraped, SoundStorage } from "./sound-components.ts";

const receiver = { family: "processor", where: "logs" } as const;
const scraped = { family: "scraped", where: undefined } as const;
const storage = { family: "storage", where: undefined } as const;

/** Components that break a rule as receivers, as scraped exporters and as storages. */
export const brokenSources: readonly Broken[] = [
  ...brokenFor({ check: passesOn, ...receiver }, [
    [
      "passes on a payload without items",
      class extends SoundProcessor {
        override passOn(payload: Payload) {
          return super.passOn({ ...payload, items: 0 });
        }
      },
      /passed on \{"signal":"logs","items":0/,
    ],
    [
      "passes nothing on",
      class extends SoundProcessor {
        override async passOn() {}
      },
      /Passing on logs did not happen/,
    ],
  ]),
  ...brokenFor({ check: keepsNothingPassedOn, ...receiver }, [
    [
      "keeps a payload that it has passed on",
      class extends SoundProcessor {
        last: Payload | undefined;

        override passOn(payload: Payload) {
          this.last = payload;
          return super.passOn(payload);
        }
      },
      /keeps the bytes of a payload that it has passed on/,
    ],
  ]),
  ...brokenFor({ check: goesOnAfterBrokenNext, ...receiver }, [
    [
      "does not handle the rejection of a derived payload",
      class extends SoundProcessor {
        override derive() {
          this.inFlight = this.passOn({ signal: "logs", bytes: new Uint8Array(1), items: 1 });
        }
      },
      /an unhandled error, which ends the process: Error: The next consumer throws/,
    ],
    [
      "stops when its next consumer throws",
      class extends SoundProcessor {
        override async passOn(payload: Payload) {
          await super.passOn(payload).catch(() => this.cancelTimer());
        }
      },
      /Passing on logs did not happen/,
    ],
  ]),
  ...brokenFor({ check: heedsDeadlineAsReceiver, ...receiver }, [
    [
      "waits for the answer to a derived payload past its deadline",
      class extends SoundProcessor {
        override async shutdown(deadline: AbortSignal) {
          await super.shutdown(deadline);
          await this.inFlight;
        }
      },
      /The shutdown, past its deadline, did not end/,
    ],
  ]),
  ...brokenFor({ check: passesNothingOnAfterShutdown, ...receiver }, [
    [
      "passes on after its shutdown",
      class extends SoundProcessor {
        override async shutdown() {}
      },
      /It passed something on after its shutdown/,
    ],
  ]),
  ...brokenFor({ check: showsItsMetrics, family: "processor", where: undefined }, [
    [
      "provides no metrics after its shutdown",
      class extends SoundProcessor {
        override async collect() {
          if (this.isStopped) {
            throw new Error("It has shut down.");
          }
          return super.collect();
        }
      },
      /It has shut down/,
    ],
  ]),
  ...brokenFor({ check: asksItsSources, ...scraped }, [
    [
      "answers without collecting from its source",
      class extends SoundScraped {
        override async answer() {}
      },
      /answered 200 and collected 0 times/,
    ],
  ]),
  ...brokenFor({ check: survivesBrokenSource, ...scraped }, [
    [
      "answers 200 when its source throws",
      class extends SoundScraped {
        override async answer() {
          await super.answer().catch(() => {});
        }
      },
      /answered 200 although its source throws/,
    ],
  ]),
  ...brokenFor({ check: heedsDeadlineWhenAsked, ...scraped }, [
    [
      "waits for its source past its deadline",
      class extends SoundScraped {
        override async shutdown() {
          await this.server?.close(new AbortController().signal);
        }
      },
      /The shutdown, past its deadline, did not end/,
    ],
  ]),
  ...brokenFor({ check: opensJournalsWhileItRuns, ...storage }, [
    [
      "opens a journal before it has started",
      class extends SoundStorage {
        override isRunning = true;
      },
      /It has not started, but it opened a journal/,
    ],
    [
      "opens a journal after its shutdown",
      class extends SoundStorage {
        override async shutdown() {}
      },
      /It has shut down, but it opened a journal/,
    ],
  ]),
  ...brokenFor({ check: journalsAnswerAfterShutdown, ...storage }, [
    [
      "stores after its shutdown",
      class extends SoundStorage {
        override async shutdown() {}
      },
      /Its journal stores records after the shutdown/,
    ],
    [
      "leaves calls to its journals unanswered after its shutdown",
      class extends SoundStorage {
        override async openJournal() {
          const journal = await super.openJournal();
          const written = () => (this.isRunning ? Promise.resolve() : new Promise<never>(() => {}));
          return { ...journal, written };
        }
      },
      /An answer of the journal did not end/,
    ],
  ]),
];

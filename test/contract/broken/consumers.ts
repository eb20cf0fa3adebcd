import type { ConsumeResult, Consumer } from "../../../src/component/consumer.ts";
import { accepted } from "../../../src/component/consumer.ts";
import type { Payload } from "../../../src/otlp/payload.ts";
import {
  accepts,
  changesNoPayload,
  heedsDeadline,
  keepsNoPayload,
  survivesBrokenNext,
  survivesLostBackend,
  takesNothingAfterShutdown,
} from "../consumer-checks.ts";
import { type Broken, brokenFor } from "./broken-component.ts";
import { SoundExporter, SoundProcessor } from "./sound-components.ts";

const processor = {
  family: "processor",
  where: { role: "processor", signal: "traces" },
} as const;
const exporter = { family: "exporter", where: { role: "exporter", signal: "traces" } } as const;

export const brokenConsumers: readonly Broken[] = [
  ...brokenFor({ check: accepts, ...processor }, [
    [
      "accepts payloads but passes nothing on",
      class extends SoundProcessor {
        override async consume() {
          return accepted;
        }
      },
      /passed nothing on/,
    ],
    [
      "refuses payloads without a reason",
      class extends SoundProcessor {
        override async consume(): Promise<ConsumeResult> {
          return { status: "permanent", message: "No." };
        }
      },
      /it answered permanent/,
    ],
    [
      "answers with an unknown status",
      class extends SoundProcessor {
        override async consume() {
          return { status: "ok" } as never;
        }
      },
      /which is no ConsumeResult/,
    ],
    [
      "never answers",
      class extends SoundProcessor {
        override consume() {
          return new Promise<ConsumeResult>(() => {});
        }
      },
      /The answer did not end/,
    ],
  ]),
  ...brokenFor({ check: changesNoPayload, ...processor }, [
    [
      "changes a byte of a payload",
      class extends SoundProcessor {
        override consume(payload: Payload, next: Consumer) {
          payload.bytes.fill(0, 0, 1);
          return super.consume(payload, next);
        }
      },
      /changed the bytes/,
    ],
    [
      "changes a byte of a payload later",
      class extends SoundProcessor {
        override consume(payload: Payload, next: Consumer) {
          this.settings.clock.after(1_000, () => payload.bytes.fill(0));
          return super.consume(payload, next);
        }
      },
      /changed the bytes/,
    ],
    [
      "changes the number of items of a payload",
      class extends SoundProcessor {
        override consume(payload: Payload, next: Consumer) {
          Object.assign(payload, { items: 0 });
          return super.consume(payload, next);
        }
      },
      /Cannot assign to read only property 'items'/,
    ],
  ]),
  ...brokenFor({ check: keepsNoPayload, ...processor }, [
    [
      "keeps a part of a payload",
      class extends SoundProcessor {
        last: Uint8Array | undefined;

        override consume(payload: Payload, next: Consumer) {
          this.last = payload.bytes.subarray(1, 2);
          return super.consume(payload, next);
        }
      },
      /keeps the bytes of a payload/,
    ],
  ]),
  ...brokenFor({ check: heedsDeadline, ...processor }, [
    [
      "waits for its next consumer past its deadline",
      class extends SoundProcessor {
        override consume(payload: Payload, next: Consumer) {
          const answer = super.consume(payload, next);
          this.inFlight = answer;
          return answer;
        }

        override async shutdown(deadline: AbortSignal) {
          await super.shutdown(deadline);
          await this.inFlight;
        }
      },
      /The shutdown, past its deadline, did not end/,
    ],
  ]),
  ...brokenFor({ check: heedsDeadline, ...exporter }, [
    [
      "leaves a payload unanswered at its deadline",
      class extends SoundExporter {
        override async shutdown() {
          this.isStopped = true;
        }
      },
      /The answer to the payload in flight did not end/,
    ],
    [
      "leaves a connection open at its deadline",
      class extends SoundExporter {
        override consume(payload: Payload) {
          void super.consume(payload);
          return Promise.resolve(accepted);
        }

        override async shutdown() {}
      },
      /a connection/,
    ],
  ]),
  ...brokenFor({ check: takesNothingAfterShutdown, ...processor }, [
    [
      "accepts payloads after its shutdown",
      class extends SoundProcessor {
        override consume(payload: Payload, next: Consumer) {
          return next.consume(payload);
        }
      },
      /answered accepted instead of retryable/,
    ],
    [
      "passes payloads on after its shutdown although it refuses them",
      class extends SoundProcessor {
        override consume(payload: Payload, next: Consumer) {
          void next.consume(payload);
          return super.consume(payload, next);
        }
      },
      /passed something on after its shutdown/,
    ],
    [
      "rejects after its shutdown",
      class extends SoundProcessor {
        override async consume(payload: Payload, next: Consumer) {
          if (this.isStopped) {
            throw new Error("It has shut down.");
          }
          return next.consume(payload);
        }
      },
      /It has shut down/,
    ],
  ]),
  ...brokenFor({ check: survivesBrokenNext, ...processor }, [
    [
      "throws when its next consumer throws",
      class extends SoundProcessor {
        override consume(payload: Payload, next: Consumer) {
          return next.consume(payload);
        }
      },
      /consume threw instead of rejecting/,
    ],
    [
      "does not handle the rejection of its next consumer",
      class extends SoundProcessor {
        override async consume(payload: Payload, next: Consumer) {
          void (async () => next.consume(payload))();
          return accepted;
        }
      },
      /an unhandled error, which ends the process: Error: The next consumer throws/,
    ],
    [
      "is stuck after its next consumer threw",
      class extends SoundProcessor {
        isBusy = false;

        override async consume(payload: Payload, next: Consumer): Promise<ConsumeResult> {
          if (this.isBusy) {
            return { status: "retryable", message: "It is busy." };
          }
          this.isBusy = true;
          const result = await next.consume(payload);
          this.isBusy = false;
          return result;
        }
      },
      /After the next consumer failed once, it answered retryable/,
    ],
  ]),
  ...brokenFor({ check: survivesLostBackend, ...exporter }, [
    [
      "rejects when its backend is gone",
      class extends SoundExporter {
        override async send(payload: Payload) {
          const result = await super.send(payload);
          if (result.status !== "accepted") {
            throw new Error(result.message);
          }
          return result;
        }
      },
      /ECONNREFUSED/,
    ],
  ]),
];

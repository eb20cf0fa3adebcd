import { closeSync, openSync, readFile, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Settings } from "../../../src/component/settings.ts";
import {
  createDoesNothing,
  goesOnAsSuccessor,
  handsOverItsJournal,
  hasItsRoles,
  heedsPassedDeadline,
  leavesNothing,
  shutsDownBeforeStart,
  shutsDownTwice,
  survivesFailedStart,
} from "../lifecycle-checks.ts";
import { type Broken, brokenFor } from "./broken-component.ts";
import { type Section, SoundExporter, SoundProcessor, SoundStorage } from "./sound-components.ts";

const processor = { family: "processor", where: undefined } as const;

/** Effects on the process, with the words in which a check reports them. */
const effects: readonly (readonly [
  what: string,
  act: (settings: Settings, section: Section) => void,
  seen: RegExp,
])[] = [
  ["a timer", ({ clock }) => void clock.after(9e9, () => {}), /1 timers of its clock/],
  [
    "an unref'd timer of Node",
    () => {
      const timer = setInterval(() => {}, 1_000).unref();
      onTestFinished(() => clearInterval(timer));
    },
    /a timer of Node/,
  ],
  [
    "a listening socket",
    () => {
      const server = createServer().listen(0, "127.0.0.1").unref();
      onTestFinished(() => void server.close());
    },
    /a listening socket/,
  ],
  [
    "a listener of the process",
    () => {
      const onWarning = () => {};
      process.on("warning", onWarning);
      onTestFinished(() => void process.off("warning", onWarning));
    },
    /the listeners of process for warning/,
  ],
  [
    "a replacement of process.emitWarning",
    () => {
      const { emitWarning } = process;
      process.emitWarning = () => {};
      onTestFinished(() => {
        process.emitWarning = emitWarning;
      });
    },
    /process\.emitWarning/,
  ],
  [
    "an environment variable",
    () => {
      process.env["CONTRACT"] = "broken";
      onTestFinished(() => void delete process.env["CONTRACT"]);
    },
    /the environment/,
  ],
  [
    "an open file",
    () => {
      const file = openSync(import.meta.filename, "r");
      onTestFinished(() => closeSync(file));
    },
    /the open file .*lifecycles\.ts/,
  ],
];

export const brokenLifecycles: readonly Broken[] = [
  ...brokenFor({ check: createDoesNothing, ...processor }, [
    ...effects.map(
      ([what, act, seen]) =>
        [
          `causes ${what} when it is created`,
          class extends SoundProcessor {
            constructor(settings: Settings, section: Section) {
              super(settings, section);
              act(settings, section);
            }
          },
          seen,
        ] as const,
    ),
    [
      "writes a file when it is created",
      class extends SoundProcessor {
        constructor(settings: Settings, section: Section) {
          super(settings, section);
          writeFileSync(join(section.folder, "early"), "");
        }
      },
      /the file early/,
    ],
    [
      "begins to read a file when it is created",
      class extends SoundProcessor {
        constructor(settings: Settings, section: Section) {
          super(settings, section);
          readFile(import.meta.filename, () => {});
        }
      },
      /a file operation/,
    ],
    [
      "reports a status when it is created",
      class extends SoundProcessor {
        constructor(settings: Settings, section: Section) {
          super(settings, section);
          settings.reportStatus({ status: "ok" });
        }
      },
      /the reported status ok/,
    ],
  ]),
  ...brokenFor({ check: createDoesNothing, ...processor, isStoring: true }, [
    [
      "opens its journal when it is created",
      class extends SoundProcessor {
        constructor(settings: Settings, section: Section) {
          super(settings, section);
          void settings.storage?.openJournal({ take() {}, onSnapshotNeeded() {} });
        }
      },
      /the opening of its journal/,
    ],
  ]),
  ...brokenFor({ check: hasItsRoles, ...processor }, [
    [
      "lacks a role of its factory",
      SoundExporter,
      /declares the role receiver, but the component has none/,
    ],
  ]),
  ...brokenFor({ check: hasItsRoles, where: undefined, family: "exporter" }, [
    [
      "has a role that its factory does not declare",
      class extends SoundExporter {
        readonly storage = new SoundStorage().storage;
      },
      /does not declare the role storage, but the component has it/,
    ],
  ]),
  ...brokenFor({ check: leavesNothing, ...processor }, [
    ...effects.map(
      ([what, act, seen]) =>
        [
          `leaves ${what} after its shutdown`,
          class extends SoundProcessor {
            override async start() {
              await super.start();
              act(this.settings, this.section);
            }
          },
          seen,
        ] as const,
    ),
    [
      "rejects its shutdown",
      class extends SoundProcessor {
        override async shutdown() {
          throw new Error("It cannot.");
        }
      },
      /It cannot/,
    ],
    [
      "never starts",
      class extends SoundProcessor {
        override start() {
          return new Promise<void>(() => {});
        }
      },
      /The start did not end/,
    ],
  ]),
  ...brokenFor({ check: goesOnAsSuccessor, ...processor }, [
    [
      "does not start as a successor",
      class extends SoundProcessor {
        override async start() {
          if (this.settings.replaces !== undefined) {
            throw new Error("There is one already.");
          }
          await super.start();
        }
      },
      /There is one already/,
    ],
    [
      "leaves a timer when it has handed over",
      class extends SoundProcessor {
        override readonly state = {
          handOver: () => {
            this.settings.clock.after(9e9, () => {});
          },
          takeOver() {},
        };
      },
      /1 timers of its clock|2 timers of its clock/,
    ],
  ]),
  ...brokenFor({ check: handsOverItsJournal, ...processor, isStoring: true }, [
    [
      "hands nothing over",
      class extends SoundProcessor {
        constructor(settings: Settings, section: Section) {
          super(settings, section);
          Reflect.deleteProperty(this, "state");
        }
      },
      /no `state` that hands it over/,
    ],
    [
      "opens a journal that is open",
      class extends SoundProcessor {
        override async start() {
          await this.settings.storage?.openJournal({ take() {}, onSnapshotNeeded() {} });
          await super.start();
        }
      },
      /opened the journal that was handed over/,
    ],
  ]),
  ...brokenFor({ check: shutsDownTwice, ...processor }, [
    [
      "cannot be shut down again",
      class extends SoundProcessor {
        override async shutdown(deadline: AbortSignal) {
          if (this.isStopped) {
            throw new Error("It has shut down.");
          }
          await super.shutdown(deadline);
        }
      },
      /It has shut down/,
    ],
  ]),
  ...brokenFor({ check: shutsDownBeforeStart, ...processor }, [
    [
      "cannot be shut down before it has started",
      class extends SoundProcessor {
        #timer: { cancel(): void } | undefined;

        override async start() {
          this.#timer = { cancel() {} };
        }

        override async shutdown() {
          this.#timer!.cancel();
        }
      },
      /Cannot read properties of undefined/,
    ],
    [
      "starts something when it is shut down",
      class extends SoundProcessor {
        override async shutdown() {
          this.settings.clock.every(1_000, () => {});
        }
      },
      /It was only shut down, but has caused: 1 timers/,
    ],
  ]),
  ...brokenFor({ check: heedsPassedDeadline, ...processor }, [
    [
      "waits for the abort event of a deadline that has passed",
      class extends SoundProcessor {
        override async shutdown(deadline: AbortSignal) {
          await super.shutdown(deadline);
          await new Promise((resolve) => {
            deadline.addEventListener("abort", resolve, { once: true });
          });
        }
      },
      /The shutdown did not end/,
    ],
  ]),
  ...brokenFor({ check: survivesFailedStart, ...processor, isStoring: true }, [
    [
      "starts although its storage does not open",
      class extends SoundProcessor {
        override async start() {
          await super.start().catch(() => {});
        }
      },
      /Its storage did not open, but it started/,
    ],
    [
      "leaves a timer when its start fails",
      class extends SoundProcessor {
        override async start() {
          this.settings.clock.every(1_000, () => {});
          await super.start();
        }
      },
      /1 timers of its clock/,
    ],
  ]),
];

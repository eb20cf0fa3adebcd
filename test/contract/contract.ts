import type { Signal } from "../../src/otlp/payload.ts";
import type { Subject } from "./component-setup.ts";
import {
  accepts,
  changesNoPayload,
  heedsDeadline,
  keepsNoPayload,
  type Place,
  survivesBrokenNext,
  survivesLostBackend,
  takesNothingAfterShutdown,
} from "./consumer-checks.ts";
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
} from "./lifecycle-checks.ts";
import {
  goesOnAfterBrokenNext,
  heedsDeadlineAsReceiver,
  keepsNothingPassedOn,
  passesNothingOnAfterShutdown,
  passesOn,
  showsItsMetrics,
} from "./receiver-checks.ts";
import { asksItsSources, heedsDeadlineWhenAsked, survivesBrokenSource } from "./scrape-checks.ts";
import { journalsAnswerAfterShutdown, opensJournalsWhileItRuns } from "./storage-checks.ts";

/** Checks one rule. Rejects with an `Error` that describes the breach. */
export type Check<Where> = (subject: Subject, where: Where) => Promise<void>;

/** All rules, by their title: the end of a sentence about the component. */
export const checks = {
  ofAll: {
    "does nothing when it is created": createDoesNothing,
    "has the roles that its factory declares": hasItsRoles,
    "leaves nothing behind after a shutdown": leavesNothing,
    "shuts down twice": shutsDownTwice,
    "shuts down before it has started": shutsDownBeforeStart,
    "shuts down when the deadline has already passed": heedsPassedDeadline,
  },
  ofReplaceable: {
    "goes on when it takes the place of another instance": goesOnAsSuccessor,
  },
  ofStoring: {
    "fails to start when its storage does not open": survivesFailedStart,
    "hands its journal over to its successor": handsOverItsJournal,
  },
  ofPushed: {
    "accepts payloads": accepts,
    "changes no payload": changesNoPayload,
    "keeps no payload": keepsNoPayload,
    "shuts down at its deadline when nothing behind it answers": heedsDeadline,
    "takes nothing after its shutdown": takesNothingAfterShutdown,
  },
  ofProcessors: {
    "survives a next consumer that throws or rejects": survivesBrokenNext,
  },
  ofExporters: {
    "survives the loss of its backend": survivesLostBackend,
  },
  ofReceivers: {
    "passes payloads on": passesOn,
    "keeps no payload that it has passed on": keepsNothingPassedOn,
    "survives a next consumer that throws or rejects": goesOnAfterBrokenNext,
    "shuts down at its deadline when nothing behind it answers": heedsDeadlineAsReceiver,
    "passes nothing on after its shutdown": passesNothingOnAfterShutdown,
  },
  ofSources: {
    "provides its metrics even after its shutdown": showsItsMetrics,
  },
  ofScraped: {
    "collects from its sources": asksItsSources,
    "survives a source that throws or rejects": survivesBrokenSource,
    "shuts down at its deadline when a source does not answer": heedsDeadlineWhenAsked,
  },
  ofStorages: {
    "opens journals while it runs, and only then": opensJournalsWhileItRuns,
    "stores nothing after its shutdown": journalsAnswerAfterShutdown,
  },
} as const satisfies Record<
  string,
  Readonly<Record<string, Check<void> | Check<Place> | Check<Signal>>>
>;

/** One test of a component. */
export interface ContractTest {
  readonly title: string;
  /** The title of the check in `checks`. */
  readonly check: string;
  readonly run: () => Promise<void>;
}

/** The tests of a component, in every role and for every signal that its factory declares. */
export function contractOf(subject: Subject): readonly ContractTest[] {
  const { roles } = subject.factory;
  const asked = <Where>(
    group: Readonly<Record<string, Check<Where>>>,
    where: Where,
    prefix = "",
  ): readonly ContractTest[] =>
    Object.entries(group).map(([title, check]) => ({
      title: `${prefix}${title}`,
      check: title,
      run: () => check(subject, where),
    }));
  return [
    ...asked(checks.ofAll, undefined),
    // A storage is not replaced by another one on the same directory.
    ...(roles.storage === true ? [] : asked(checks.ofReplaceable, undefined)),
    ...(subject.isStoring === true ? asked(checks.ofStoring, undefined) : []),
    ...(roles.processor ?? []).flatMap((signal) =>
      asked(
        { ...checks.ofPushed, ...checks.ofProcessors },
        { role: "processor", signal } as const,
        `as a processor of ${signal} `,
      ),
    ),
    ...(roles.exporter ?? []).flatMap((signal) =>
      asked(
        { ...checks.ofPushed, ...checks.ofExporters },
        { role: "exporter", signal } as const,
        `as an exporter of ${signal} `,
      ),
    ),
    ...(roles.receiver ?? []).flatMap((signal) =>
      asked(checks.ofReceivers, signal, `as a receiver of ${signal} `),
    ),
    ...(roles.receiver === undefined ? [] : asked(checks.ofSources, undefined)),
    ...(roles.scraped === true ? asked(checks.ofScraped, undefined) : []),
    ...(roles.storage === true ? asked(checks.ofStorages, undefined) : []),
  ];
}

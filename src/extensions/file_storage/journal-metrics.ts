import type { Attributes, Meter, ObservableResult } from "@opentelemetry/api";
import type { InstrumentSpec } from "../../metrics/instrument.ts";
import type { FileJournal } from "./journal.ts";
import { storageInstruments } from "./storage-instruments.ts";

/** A journal and the attributes that its series have. */
export interface ObservedJournal {
  readonly journal: FileJournal;
  readonly attributes: Attributes;
}

/** Publishes the counters of the journals whenever metrics are collected. */
export function publishJournals(meter: Meter, journals: () => readonly ObservedJournal[]): void {
  const publishOne = (
    spec: InstrumentSpec,
    seriesOf: (journal: FileJournal) => readonly (readonly [number, Attributes?])[],
  ) => {
    const options = { unit: spec.unit, description: spec.description };
    const instrument =
      spec.kind === "counter"
        ? meter.createObservableCounter(spec.name, options)
        : meter.createObservableGauge(spec.name, options);
    instrument.addCallback((result: ObservableResult) => {
      for (const { journal, attributes } of journals()) {
        for (const [value, own] of seriesOf(journal)) {
          result.observe(value, { ...attributes, ...own });
        }
      }
    });
  };
  const each = <Key extends string>(numbers: Readonly<Record<Key, number>>, attribute: string) =>
    Object.entries<number>(numbers).map(([key, value]) => [value, { [attribute]: key }] as const);

  const all = storageInstruments;
  publishOne(all.appendedRecords, ({ counts }) => [[counts.appendedRecords]]);
  publishOne(all.droppedRecords, ({ counts }) => each(counts.droppedRecords, "reason"));
  publishOne(all.writtenBytes, ({ counts }) =>
    each({ log: counts.logBytesWritten, snapshot: counts.snapshotBytesWritten }, "file"),
  );
  publishOne(all.syncs, ({ counts }) => [[counts.syncs]]);
  publishOne(all.writeErrors, ({ counts }) => each(counts.writeErrors, "reason"));
  publishOne(all.snapshots, ({ counts }) => each(counts.snapshots, "outcome"));
  publishOne(all.recoveredRecords, ({ counts }) => [[counts.recoveredRecords]]);
  publishOne(all.missingRecords, ({ counts }) => [[counts.missingRecords]]);
  publishOne(all.cutBytes, ({ counts }) => each(counts.cutBytes, "cause"));
  publishOne(all.unusableFiles, ({ counts }) => each(counts.unusableFiles, "file"));
  publishOne(all.size, (journal) => each(journal.fileBytes(), "file"));
  publishOne(all.degraded, (journal) => [[journal.state().status === "ok" ? 0 : 1]]);
}

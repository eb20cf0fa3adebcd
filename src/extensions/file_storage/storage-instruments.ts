import { degradedReasons } from "../../component/storage.ts";
import type { InstrumentSpec } from "../../metrics/instrument.ts";

const journal = {
  extension: "a component id of the config",
  "otelcol.component.kind": ["receiver", "processor", "exporter"],
  "otelcol.component.id": "the component whose journal it is, an id of the config",
} as const;

const files = ["log", "snapshot"] as const;

/** What the journals of a file storage do. Attributes name the extension and the component that owns the journal. */
export const storageInstruments = {
  appendedRecords: {
    name: "otelcol_file_storage_appended_records",
    kind: "counter",
    unit: "{record}",
    description: "Records that were taken to be written to the log.",
    attributes: journal,
  },
  droppedRecords: {
    name: "otelcol_file_storage_dropped_records",
    kind: "counter",
    unit: "{record}",
    description:
      "Records that were not stored, by why. After the first the journal stores nothing more until a new snapshot has closed the hole.",
    attributes: { ...journal, reason: [...degradedReasons, "closed"] },
  },
  writtenBytes: {
    name: "otelcol_file_storage_written_bytes",
    kind: "counter",
    unit: "By",
    description: "Bytes written to files.",
    attributes: { ...journal, file: files },
  },
  syncs: {
    name: "otelcol_file_storage_syncs",
    kind: "counter",
    unit: "{sync}",
    description: "How often the log was synced to the disk (fdatasync).",
    attributes: journal,
  },
  writeErrors: {
    name: "otelcol_file_storage_write_errors",
    kind: "counter",
    unit: "{error}",
    description: "Failures to store, by why.",
    attributes: { ...journal, reason: degradedReasons },
  },
  snapshots: {
    name: "otelcol_file_storage_snapshots",
    kind: "counter",
    unit: "{snapshot}",
    description: "Snapshots, by what became of them.",
    attributes: { ...journal, outcome: ["done", "failed"] },
  },
  recoveredRecords: {
    name: "otelcol_file_storage_recovered_records",
    kind: "counter",
    unit: "{record}",
    description: "Records that were found at the start.",
    attributes: journal,
  },
  cutBytes: {
    name: "otelcol_file_storage_cut_bytes",
    kind: "counter",
    unit: "By",
    description:
      "Bytes that were given up at the start: torn by a write that a crash interrupted, which had promised nothing, or lost because a file was damaged.",
    attributes: { ...journal, cause: ["torn", "lost"] },
  },
  size: {
    name: "otelcol_file_storage_size",
    kind: "gauge",
    unit: "By",
    description: "Size of the files.",
    attributes: { ...journal, file: files },
  },
  degraded: {
    name: "otelcol_file_storage_degraded",
    kind: "gauge",
    unit: "{journal}",
    description: "1 while what the component appends is not stored, else 0.",
    attributes: journal,
  },
} as const satisfies Record<string, InstrumentSpec>;

export const instruments: readonly InstrumentSpec[] = Object.values(storageInstruments);

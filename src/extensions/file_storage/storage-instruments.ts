import { degradedReasons } from "../../component/storage.ts";
import type { InstrumentSpec } from "../../metrics/instrument.ts";
import { unusableFileKinds } from "./unusable-files.ts";

const journal = {
  extension: "a component id of the config",
  "otelcol.component.kind": ["receiver", "processor", "exporter"],
  "otelcol.component.id": "a component id of the config: the owner of the journal",
} as const;

const files = ["log", "snapshot"] as const;

/** The instruments of the journals. Their attributes name the extension and the component that owns the journal. */
export const storageInstruments = {
  appendedRecords: {
    name: "otelcol_file_storage_appended_records",
    kind: "counter",
    unit: "{record}",
    description: "Records that the journal accepted for its log.",
    attributes: journal,
  },
  droppedRecords: {
    name: "otelcol_file_storage_dropped_records",
    kind: "counter",
    unit: "{record}",
    description:
      "Records that were not stored, by reason. After the first one, the journal stores nothing more until a new snapshot is complete.",
    attributes: { ...journal, reason: [...degradedReasons, "closed"] },
  },
  writtenBytes: {
    name: "otelcol_file_storage_written_bytes",
    kind: "counter",
    unit: "By",
    description: "Bytes written to the files of the journal.",
    attributes: { ...journal, file: files },
  },
  syncs: {
    name: "otelcol_file_storage_syncs",
    kind: "counter",
    unit: "{sync}",
    description: "Number of syncs of the log to the disk (fdatasync).",
    attributes: journal,
  },
  writeErrors: {
    name: "otelcol_file_storage_write_errors",
    kind: "counter",
    unit: "{error}",
    description: "Failed writes, by reason.",
    attributes: { ...journal, reason: degradedReasons },
  },
  snapshots: {
    name: "otelcol_file_storage_snapshots",
    kind: "counter",
    unit: "{snapshot}",
    description: "Snapshots, by outcome.",
    attributes: { ...journal, outcome: ["done", "failed"] },
  },
  recoveredRecords: {
    name: "otelcol_file_storage_recovered_records",
    kind: "counter",
    unit: "{record}",
    description: "Records that were recovered at the start.",
    attributes: journal,
  },
  missingRecords: {
    name: "otelcol_file_storage_missing_records",
    kind: "counter",
    unit: "{record}",
    description:
      "Records that were stored and were missing at the start, because a file was damaged, emptied, cut or removed.",
    attributes: journal,
  },
  cutBytes: {
    name: "otelcol_file_storage_cut_bytes",
    kind: "counter",
    unit: "By",
    description:
      "Bytes that were discarded at the start. torn: an incomplete write that a crash interrupted and that was never acknowledged. lost: data of a damaged file, and what seems torn while stored records or the file end are missing.",
    attributes: { ...journal, cause: ["torn", "lost"] },
  },
  unusableFiles: {
    name: "otelcol_file_storage_unusable_files",
    kind: "counter",
    unit: "{file}",
    description:
      "Files that a start found damaged, emptied, cut, or removed, as no crash leaves them. end: the file that shows whether the end of the log is missing. cut_bytes and missing_records count what is lost.",
    attributes: { ...journal, file: unusableFileKinds },
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
    description: "1 while the records of the component are not stored, else 0.",
    attributes: journal,
  },
} as const satisfies Record<string, InstrumentSpec>;

export const instruments: readonly InstrumentSpec[] = Object.values(storageInstruments);

import { availableParallelism, cpus, loadavg, totalmem } from "node:os";

/** The machine, the date and the load in one line, without which the numbers mean nothing. */
export function machineFacts(): string {
  const date = new Date().toISOString().slice(0, 16).replace("T", " ");
  const model = cpus()[0]?.model.trim() ?? "unknown CPU";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${date} UTC, Node ${process.version}, ${process.platform} ${process.arch}, ${availableParallelism()} × ${model}, ${memory}, load ${loadavg()[0]?.toFixed(1)}`;
}

export type Cell = string | number;

/** Prints rows as a table: a heading above, words to the left, numbers to the right. */
export function printTable(
  title: string,
  rows: readonly Readonly<Record<string, Cell>>[],
  notes: readonly string[] = [],
): void {
  const columns = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => columns.map((column) => String(row[column] ?? "")));
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) =>
        index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
      )
      .join("  ");
  console.log(`\n${title}\n`);
  console.log(line(columns));
  console.log(widths.map((width) => "─".repeat(width)).join("  "));
  for (const row of cells) {
    console.log(line(row));
  }
  for (const note of notes) {
    console.log(note);
  }
}

/** `12.3×` */
export function times(ratio: number): string {
  return `${ratio.toFixed(1)}×`;
}

/**
 * The files that exporters of this process write, by their identity. Two exporters know nothing of each other, and in one file
 * they would destroy each other's data. It has one entry per exporter.
 */
const writers = new Map<string, string>();

/** Registers the writer of a file. Returns the id of another writer, if there is one. */
export function claimFile(identity: string, id: string): string | undefined {
  const other = writers.get(identity);
  if (other === undefined) {
    writers.set(identity, id);
  }
  return other;
}

export function releaseFile(identity: string): void {
  writers.delete(identity);
}

/**
 * The file system as a journal uses it: every call may be slow or fail with one of Node's error codes. Tests pass one that is
 * full, slow or loses power.
 */
export interface Disk {
  /** Creates a directory with exactly these permissions, or leaves an existing one unchanged. */
  makeDirectory(path: string, mode: number): Promise<void>;
  /** The names in a directory, in no order. */
  names(directory: string): Promise<readonly string[]>;
  /** Creates a file for writing that only this user can read; fails if it exists already. */
  create(path: string): Promise<DiskFile>;
  /** Opens a file for reading and cutting. */
  open(path: string): Promise<DiskFile>;
  /** What `DiskFile.identity` is of the file at this path; `undefined` if there is none. */
  identityOf(path: string): Promise<string | undefined>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; succeeds if there is none. */
  remove(path: string): Promise<void>;
  /** Removes an empty directory. */
  removeDirectory(path: string): Promise<void>;
  /** Makes the creations, renames and removals in a directory survive a power cut. */
  syncDirectory(path: string): Promise<void>;
}

export interface DiskFile {
  /** Identifies the file among all that exist, also when it has another name, or none any more. */
  identity(): Promise<string>;
  size(): Promise<number>;
  /** Reads up to the length of `into`; fewer bytes mean the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes all parts, or rejects after writing some of the bytes. The bytes must stay unchanged until it resolves. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>;
  /** As `write`, but blocks and throws. */
  writeNow(parts: readonly Uint8Array[], position: number): void;
  cut(sizeBytes: number): Promise<void>;
  /** Makes all finished writes survive a power cut. */
  sync(): Promise<void>;
  /** Closes the file when all calls in progress are done. Safe to call twice; never rejects. */
  close(): Promise<void>;
}

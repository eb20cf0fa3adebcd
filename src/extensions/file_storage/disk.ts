/**
 * The file system as a journal uses it: everything here may be slow or fail, with Node's error codes. Tests hand
 * in one that is full, slow or loses power.
 */
export interface Disk {
  /** Makes a directory with exactly these permissions, or leaves the one that is there. */
  makeDirectory(path: string, mode: number): Promise<void>;
  /** The names in a directory, in no order. */
  names(directory: string): Promise<readonly string[]>;
  /** Makes a file for writing that only this user can read; fails when there is one already. */
  create(path: string): Promise<DiskFile>;
  /** Opens a file to read, and cut, it. */
  open(path: string): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; one that is not there is no failure. */
  remove(path: string): Promise<void>;
  /** Makes what was created, renamed or removed in a directory survive a power cut. */
  syncDirectory(path: string): Promise<void>;
}

export interface DiskFile {
  size(): Promise<number>;
  /** Reads up to the length of `into`; fewer bytes mean the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes all of it, or rejects with some of it written. The bytes must stay unchanged until it resolves. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>;
  /** The same, blocking; throws. */
  writeNow(parts: readonly Uint8Array[], position: number): void;
  cut(sizeBytes: number): Promise<void>;
  /** Makes what was written survive a power cut. */
  sync(): Promise<void>;
  /** Closes once nothing that was begun on the file is under way any more. Safe twice; never rejects. */
  close(): Promise<void>;
}

import { dirname } from "node:path";
import type { Disk, DiskFile } from "../../../src/extensions/file_storage/disk.ts";

/** One change to a disk, in the order in which they were made. */
export type Operation =
  | { readonly type: "create"; readonly path: string; readonly inode: number }
  | {
      readonly type: "write";
      readonly inode: number;
      readonly position: number;
      readonly bytes: Uint8Array;
    }
  | { readonly type: "cut"; readonly inode: number; readonly sizeBytes: number }
  | { readonly type: "sync"; readonly inode: number }
  | { readonly type: "rename"; readonly from: string; readonly to: string }
  | { readonly type: "remove"; readonly path: string }
  | { readonly type: "syncDirectory"; readonly path: string };

/** The content of files by their path. */
export type Files = ReadonlyMap<string, Uint8Array>;

type Name = "create" | "write" | "cut" | "sync" | "rename" | "remove" | "syncDirectory" | "read";

/**
 * A disk in memory that keeps every operation, so that a test can look at what a crash between any two of them
 * leaves. It can fail, and be slow, on command. Not a model of any one file system, but stricter than most: a name
 * is safe from a power cut only when its directory was synced.
 */
export class FakeDisk implements Disk {
  readonly operations: Operation[] = [];
  /** How many writes were under way at once, at most, on one file. */
  mostWritesAtOnce = 0;
  /** Returns the error code with which an operation fails; with `partial`, half of a write is done before. */
  fault: (name: Name, path: string) => string | { readonly partial: string } | undefined = () =>
    undefined;
  /** Whether every operation that changes something takes a turn of the event loop, as with a real disk. */
  takesTurns = true;
  /** Awaited by every operation before it does anything, besides the turn of the event loop that each takes. */
  pause: (name: Name, path: string) => Promise<void> | void = () => {};
  /** Whether it tells files apart. Some network file systems say something else each time. */
  hasIdentities = true;
  #lastIdentity = 0;
  readonly #names = new Map<string, number>();
  readonly #inodes: Uint8Array[] = [];
  readonly #removedDirectories = new Set<string>();

  /** A disk with these files. */
  static of(files: Files): FakeDisk {
    const disk = new FakeDisk();
    for (const [path, bytes] of files) {
      disk.#names.set(path, disk.#inodes.push(Uint8Array.from(bytes)) - 1);
    }
    return disk;
  }

  /** A disk with these files as operations left it: what is there after the end of the process. */
  static after(operations: readonly Operation[], files: Files = new Map()): FakeDisk {
    const disk = FakeDisk.of(files);
    for (const operation of operations) {
      disk.#apply(operation);
    }
    return disk;
  }

  /**
   * The disk after the power went: what was synced, and of the rest what `isKept` says. Names come and go in
   * order, so of those not synced a beginning survives.
   */
  static afterPowerCut(operations: readonly Operation[], isKept: () => boolean): FakeDisk {
    const syncedUntil = new Map<number, number>();
    let namesSyncedUntil = -1;
    for (const [index, operation] of operations.entries()) {
      if (operation.type === "sync") {
        syncedUntil.set(operation.inode, index);
      } else if (operation.type === "syncDirectory") {
        namesSyncedUntil = index;
      }
    }
    const disk = new FakeDisk();
    let namesGoOn = true;
    for (const [index, operation] of operations.entries()) {
      if (operation.type === "write" || operation.type === "cut") {
        if (index < (syncedUntil.get(operation.inode) ?? -1) || isKept()) {
          disk.#apply(operation);
        }
      } else {
        namesGoOn &&= index <= namesSyncedUntil || isKept();
        // A file whose name is lost still takes writes, which nobody will find.
        disk.#apply(operation, namesGoOn);
      }
    }
    return disk;
  }

  /** Every file by its path. */
  files(): Files {
    return new Map(
      [...this.#names].map(([path, inode]) => [path, this.#inodes[inode]!.slice()] as const),
    );
  }

  async makeDirectory(path: string): Promise<void> {
    this.#removedDirectories.delete(path);
  }

  async removeDirectory(path: string): Promise<void> {
    if ((await this.names(path)).length > 0) {
      throw failure("ENOTEMPTY");
    }
    this.#removedDirectories.add(path);
  }

  async names(directory: string): Promise<readonly string[]> {
    await this.#turn("read", directory);
    this.#mustExist(directory);
    return [...this.#names.keys()]
      .filter((path) => dirname(path) === directory)
      .map((path) => path.slice(directory.length + 1))
      .toReversed();
  }

  async create(path: string): Promise<DiskFile> {
    await this.#begin("create", path);
    this.#mustExist(dirname(path));
    if (this.#names.has(path)) {
      throw failure("EEXIST");
    }
    const inode = this.#inodes.length;
    this.#do({ type: "create", path, inode });
    return this.#fileOf(inode, path);
  }

  async open(path: string): Promise<DiskFile> {
    const inode = this.#names.get(path);
    if (inode === undefined) {
      throw failure("ENOENT");
    }
    return this.#fileOf(inode, path);
  }

  async identityOf(path: string): Promise<string | undefined> {
    await this.#turn("read", path);
    const inode = this.#names.get(path);
    return inode === undefined ? undefined : this.#identity(inode);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#begin("rename", from);
    this.#mustExist(dirname(from));
    this.#do({ type: "rename", from, to });
  }

  async remove(path: string): Promise<void> {
    await this.#begin("remove", path);
    if (this.#names.has(path)) {
      this.#do({ type: "remove", path });
    }
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#begin("syncDirectory", path);
    this.#mustExist(path);
    this.#do({ type: "syncDirectory", path });
  }

  #fileOf(inode: number, path: string): DiskFile {
    let isClosed = false;
    let underWay = 0;
    const mustBeOpen = () => {
      if (isClosed) {
        throw failure("EBADF");
      }
    };
    const write = (parts: readonly Uint8Array[], position: number) => {
      const bytes = Buffer.concat(parts);
      const fault = this.fault("write", path);
      if (typeof fault === "string") {
        throw failure(fault);
      }
      const written = fault === undefined ? bytes : bytes.subarray(0, bytes.length / 2);
      this.#do({ type: "write", inode, position, bytes: Uint8Array.from(written) });
      if (fault !== undefined) {
        throw failure(fault.partial);
      }
    };
    return {
      identity: async () => this.#identity(inode),
      size: async () => this.#inodes[inode]!.length,
      read: async (into, position) => {
        await this.#begin("read", path);
        const part = this.#inodes[inode]!.subarray(position, position + into.length);
        into.set(part);
        return part.length;
      },
      write: async (parts, position) => {
        mustBeOpen();
        underWay += 1;
        this.mostWritesAtOnce = Math.max(this.mostWritesAtOnce, underWay);
        try {
          await this.#turn("write", path);
          write(parts, position);
        } finally {
          underWay -= 1;
        }
      },
      writeNow: (parts, position) => {
        mustBeOpen();
        write(parts, position);
      },
      cut: async (sizeBytes) => {
        await this.#begin("cut", path);
        this.#do({ type: "cut", inode, sizeBytes });
      },
      sync: async () => {
        mustBeOpen();
        await this.#begin("sync", path);
        this.#do({ type: "sync", inode });
      },
      close: async () => {
        isClosed = true;
      },
    };
  }

  /** Removes a directory and everything in it, as somebody else may. What is open stays open. */
  removeTree(directory: string): void {
    for (const path of this.#names.keys()) {
      if (dirname(path) === directory) {
        this.#names.delete(path);
      }
    }
    this.#removedDirectories.add(directory);
  }

  /** Removes a file, as somebody else may. */
  removeFile(path: string): void {
    this.#names.delete(path);
  }

  /** Puts a file in the place of another one, or where there is none, as somebody else may. */
  replaceFile(path: string, bytes: Uint8Array): void {
    this.#names.set(path, this.#inodes.push(Uint8Array.from(bytes)) - 1);
  }

  #identity(inode: number): string {
    this.#lastIdentity += 1;
    return `${this.hasIdentities ? inode : this.#lastIdentity}`;
  }

  /** Every directory does, but for those that were removed. */
  #mustExist(directory: string): void {
    if (this.#removedDirectories.has(directory)) {
      throw failure("ENOENT");
    }
  }

  async #begin(name: Name, path: string): Promise<void> {
    await this.#turn(name, path);
    const fault = this.fault(name, path);
    if (fault !== undefined) {
      throw failure(typeof fault === "string" ? fault : fault.partial);
    }
  }

  async #turn(name: Name, path: string): Promise<void> {
    if (this.takesTurns) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    await this.pause(name, path);
  }

  #do(operation: Operation): void {
    this.operations.push(operation);
    this.#apply(operation);
  }

  #apply(operation: Operation, hasName = true): void {
    switch (operation.type) {
      case "create":
        this.#inodes[operation.inode] = new Uint8Array(0);
        if (hasName) {
          this.#names.set(operation.path, operation.inode);
        }
        return;
      case "write": {
        const { inode, position, bytes } = operation;
        const old = this.#inodes[inode]!;
        const grown = new Uint8Array(Math.max(old.length, position + bytes.length));
        grown.set(old);
        grown.set(bytes, position);
        this.#inodes[inode] = grown;
        return;
      }
      case "cut":
        this.#inodes[operation.inode] = this.#inodes[operation.inode]!.slice(
          0,
          operation.sizeBytes,
        );
        return;
      case "rename": {
        const inode = this.#names.get(operation.from);
        if (hasName && inode !== undefined) {
          this.#names.set(operation.to, inode);
          this.#names.delete(operation.from);
        }
        return;
      }
      case "remove":
        if (hasName) {
          this.#names.delete(operation.path);
        }
        return;
      case "sync":
      case "syncDirectory":
        return;
      default:
        operation satisfies never;
    }
  }
}

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: as a test wanted it`), { code });
}

/** Reads bytes of a file up to the length of `into`, or to the end of the file. Returns how many there are. */
export type ReadAt = (into: Uint8Array, position: number) => Promise<number>;

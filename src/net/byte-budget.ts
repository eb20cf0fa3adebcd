/**
 * A bound on bytes held at one time by all who share it. It keeps their sum; what would exceed `limitBytes` is refused
 * at once instead of waiting.
 */
export class ByteBudget {
  readonly limitBytes: number;
  #takenBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Takes all of `bytes`, or nothing and returns false. Whoever took gives back. */
  tryTake(bytes: number): boolean {
    if (this.#takenBytes + bytes > this.limitBytes) {
      return false;
    }
    this.#takenBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#takenBytes -= bytes;
  }
}

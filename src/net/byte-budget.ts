/**
 * A bound on the bytes that all its users hold at one time. It keeps their sum; a request that would exceed `limitBytes` is
 * refused at once instead of waiting.
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

  /** Takes all of `bytes` and returns true, or takes nothing and returns false. The caller must give back the bytes it took. */
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

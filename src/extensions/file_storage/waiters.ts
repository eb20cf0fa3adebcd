/**
 * Promises that resolve when a number is reached: one for each number that is waited for, so no more than there are unwritten
 * records. When the numbers will no longer increase, `releaseAll` resolves all of them.
 */
export class Waiters {
  #waiting: { readonly until: number; readonly resolve: () => void }[] = [];
  #last: { readonly until: number; readonly promise: Promise<void> } | undefined;

  /** Resolves after `reached(until)` or `releaseAll`. Consecutive calls with the same number share a promise. */
  wait(until: number): Promise<void> {
    if (this.#last?.until === until) {
      return this.#last.promise;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ until, resolve });
    this.#last = { until, promise };
    return promise;
  }

  reached(number: number): void {
    if (this.#waiting.length === 0) {
      return;
    }
    if (this.#last !== undefined && this.#last.until <= number) {
      this.#last = undefined;
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) {
      if (each.until <= number) {
        each.resolve();
      } else {
        this.#waiting.push(each);
      }
    }
  }

  releaseAll(): void {
    this.reached(Number.POSITIVE_INFINITY);
  }
}

/**
 * Serves requests to reload one after the other. One that arrives before the first can be served, or during a reload, is served after it;
 * several of them are one. Keeps whether one waits.
 */
export class ReloadRequests {
  #reload: (() => Promise<void>) | undefined;
  #isWanted = false;
  #isRunning = false;

  request(): void {
    this.#isWanted = true;
    void this.#serve();
  }

  /** From now on requests are served. `reload` must not reject. */
  serve(reload: () => Promise<void>): void {
    this.#reload = reload;
    void this.#serve();
  }

  /** From now on requests have no effect. */
  end(): void {
    this.#reload = undefined;
  }

  async #serve(): Promise<void> {
    if (this.#isRunning) {
      return;
    }
    this.#isRunning = true;
    while (this.#isWanted && this.#reload !== undefined) {
      this.#isWanted = false;
      await this.#reload();
    }
    this.#isRunning = false;
  }
}

import { AsyncLocalStorage, createHook } from "node:async_hooks";

/** Node's types of async resources that are watched, with their names in messages. */
const watched: Readonly<Record<string, string>> = {
  Timeout: "a timer of Node",
  TCPSERVERWRAP: "a listening socket",
  TCPWRAP: "a connection",
  PIPESERVERWRAP: "a listening pipe",
  PIPEWRAP: "a pipe",
  UDPWRAP: "a UDP socket",
  GETADDRINFOREQWRAP: "a name lookup",
  FSREQCALLBACK: "a file operation",
  FSREQPROMISE: "a file operation",
  FILEHANDLE: "an open file",
  FSEVENTWRAP: "a watched file",
  STATWATCHER: "a watched file",
  PROCESSWRAP: "a child process",
  WORKER: "a worker",
  SIGNALWRAP: "a signal handler",
};

/** Shorter than the 4 s after which an idle HTTP connection closes by itself. */
export const graceMs = 2_500;

/**
 * Records the timers, sockets, files and processes that a component opens: those created by code that runs in `run`, and
 * those created by these. Unlike `process.getActiveResourcesInfo`, it also sees unref'd resources.
 */
export class ResourceWatch {
  readonly #scope = new AsyncLocalStorage<ResourceWatch>();
  readonly #ids = new Set<number>();
  readonly #open = new Map<number, string>();
  readonly #created: string[] = [];
  readonly #hook = createHook({
    init: (id, type, triggerId) => this.#onInit({ id, type, triggerId }),
    destroy: (id) => void this.#open.delete(id),
  });

  constructor() {
    this.#hook.enable();
  }

  /** Attributes all resources that `act` creates, now or later, to the component. */
  run<T>(act: () => T): T {
    return this.#scope.run(this, act);
  }

  /** All resources created so far, in order, including those already closed. */
  get created(): readonly string[] {
    return this.#created;
  }

  /** The resources that are not closed. */
  get open(): readonly string[] {
    return [...this.#open.values()];
  }

  /**
   * Resolves when all resources are closed, or after {@link graceMs}. It may take a second: Node and undici each keep a
   * one-shot timer for that long.
   */
  async closed(): Promise<void> {
    const untilMs = performance.now() + graceMs;
    while (this.#open.size > 0 && performance.now() < untilMs) {
      // Node runs the destroy hook only when the event loop turns.
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  }

  stop(): void {
    this.#hook.disable();
  }

  #onInit(resource: {
    readonly id: number;
    readonly type: string;
    readonly triggerId: number;
  }): void {
    const { id, type, triggerId } = resource;
    const words = watched[type];
    // Node creates a server's connections outside of any scope, with the server as the trigger.
    const isOurs = this.#scope.getStore() === this || this.#ids.has(triggerId);
    if (words !== undefined && isOurs) {
      this.#ids.add(id);
      this.#open.set(id, words);
      this.#created.push(words);
    }
  }
}

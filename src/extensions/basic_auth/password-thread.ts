import { Worker } from "node:worker_threads";
import type { StoredPassword } from "./htpasswd.ts";

/** Checks that wait, the one in progress included. One of bcrypt takes about 60 ms, so the last of them waits two seconds. */
const maxWaiting = 32;

/** Checks that wait for one user. Who guesses the passwords of one user does not keep the others out. */
const maxWaitingPerUser = 8;

/** A password to check. */
export interface Attempt {
  readonly user: string;
  readonly password: string;
  readonly stored: StoredPassword;
}

interface Waiting {
  readonly user: string;
  readonly done: (result: boolean | "busy") => void;
}

/**
 * Checks passwords whose hash takes long, one at a time in a thread of its own, which is started for the first one. Keeps at most
 * {@link maxWaiting} checks; further ones are `busy`.
 */
export class PasswordThread {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;
  #isClosed = false;

  check({ user, password, stored }: Attempt): Promise<boolean | "busy"> {
    const ofUser = [...this.#waiting.values()].filter((each) => each.user === user).length;
    if (this.#isClosed || this.#waiting.size >= maxWaiting || ofUser >= maxWaitingPerUser) {
      return Promise.resolve("busy");
    }
    return new Promise((resolve) => {
      this.#lastId += 1;
      this.#waiting.set(this.#lastId, { user, done: resolve });
      this.#worker ??= this.#start();
      this.#worker.postMessage({ id: this.#lastId, password, ...stored });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    this.#end();
    await worker?.terminate();
  }

  #start(): Worker {
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const worker = new Worker(new URL(`./password-worker.${extension}`, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 },
      // It needs neither the preloads of this process nor its secrets.
      execArgv: [],
      env: {},
    });
    worker.on("message", (answer: unknown) => {
      const id = Number(Reflect.get(Object(answer), "id"));
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      waiting?.done(Reflect.get(Object(answer), "isRight") === true);
    });
    // A thread that ends is started again for the next check.
    worker.on("error", () => {});
    worker.once("exit", () => {
      if (this.#worker === worker) {
        this.#end();
      }
    });
    worker.unref();
    return worker;
  }

  #end(): void {
    this.#worker = undefined;
    for (const { done } of this.#waiting.values()) {
      done("busy");
    }
    this.#waiting.clear();
  }
}

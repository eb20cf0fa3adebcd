/** Uncaught exceptions and unhandled rejections since the capture began. */
export interface Unhandled {
  readonly errors: readonly unknown[];
  /** Reinstalls the listeners that the capture replaced. */
  restore(): void;
}

const events = ["uncaughtException", "unhandledRejection"] as const;

/** Captures errors that would end the process. They fail the running check instead of the whole test run. */
export function captureUnhandled(): Unhandled {
  const errors: unknown[] = [];
  const before = events.map((event) => [event, process.rawListeners(event)] as const);
  const take = (error: unknown) => void errors.push(error);
  for (const event of events) {
    process.removeAllListeners(event);
    process.on(event, take);
  }
  return {
    errors,
    restore() {
      for (const [event, listeners] of before) {
        process.removeListener(event, take);
        for (const listener of listeners) {
          process.on(event, listener as () => void);
        }
      }
    },
  };
}

import type { Harness } from "./harness.ts";
import { settle } from "./waiting.ts";

/** Shuts down with a deadline that passes during the shutdown. */
export async function shutDownAtDeadline(harness: Harness): Promise<void> {
  const deadline = new AbortController();
  const ending = shutDown(harness, deadline.signal);
  await settle();
  deadline.abort();
  await harness.within("The shutdown, past its deadline,", ending);
}

/** Shuts down with a deadline that has passed already. */
export async function shutDownAfterDeadline(harness: Harness): Promise<void> {
  await harness.within("The shutdown", shutDown(harness, AbortSignal.abort()));
}

/** Rejects if something of the component stays in the process. */
export async function mustHaveLeftNothing(harness: Harness): Promise<void> {
  mustBeNone("It has shut down, but has left:", await harness.leftovers());
}

export function mustBeNone(why: string, things: readonly string[]): void {
  if (things.length > 0) {
    throw new Error(`${why} ${things.join(", ")}.`);
  }
}

/** A shutdown that misses its deadline may reject, to report that data was lost. */
async function shutDown(harness: Harness, deadline: AbortSignal): Promise<void> {
  await harness.run(() => harness.component.shutdown(deadline)).catch(() => {});
}

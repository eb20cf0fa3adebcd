/** Lets pending microtasks, immediates and local I/O run. */
export async function settle(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** Resolves once the condition holds; rejects after `patienceMs`. */
export async function until(
  condition: () => boolean,
  { what, patienceMs }: { readonly what: string; readonly patienceMs: number },
): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() >= untilMs) {
      throw new Error(`${what} did not happen within ${patienceMs} ms.`);
    }
    await settle(1);
  }
}

/** Resolves to the promise's value; rejects if the promise has not settled after `patienceMs`. */
export async function within<T>(
  promise: Promise<T>,
  { what, patienceMs }: { readonly what: string; readonly patienceMs: number },
): Promise<T> {
  let patience: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    patience = setTimeout(
      () => reject(new Error(`${what} did not end within ${patienceMs} ms.`)),
      patienceMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(patience);
  }
}

/** Resolves as the work does, or to `late` if the deadline aborts first; the work then continues. Rejects as the work does. */
export function beforeDeadline<T>(deadline: AbortSignal, work: Promise<T>): Promise<T | "late"> {
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve("late");
    if (deadline.aborted) {
      onAbort();
    }
    deadline.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => deadline.removeEventListener("abort", onAbort));
  });
}

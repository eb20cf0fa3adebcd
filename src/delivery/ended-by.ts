/** Resolves or rejects as the work does; resolves at the deadline if that comes first, and the work continues. */
export function endedBy(deadline: AbortSignal, work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve();
    if (deadline.aborted) {
      onAbort();
    }
    deadline.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => deadline.removeEventListener("abort", onAbort));
  });
}

import { expect, test } from "vitest";
import { beforeDeadline } from "../../src/component/deadline.ts";

const never = new Promise<string>(() => {});

test("work that ends before the deadline ends as it does", async () => {
  const { signal } = new AbortController();
  expect(await beforeDeadline(signal, Promise.resolve("done"))).toBe("done");
  await expect(beforeDeadline(signal, Promise.reject(new Error("no")))).rejects.toThrow("no");
});

test("work that does not end is late when the deadline aborts, or has aborted", async () => {
  const deadline = new AbortController();
  const waiting = beforeDeadline(deadline.signal, never);
  deadline.abort();
  expect(await waiting).toBe("late");
  expect(await beforeDeadline(deadline.signal, never)).toBe("late");
});

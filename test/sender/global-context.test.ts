import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { isTracingSuppressed } from "@opentelemetry/core";
import { afterEach, expect, test } from "vitest";
import { withoutTracing } from "../../src/sender/global-context.ts";

afterEach(() => context.disable());

test("what runs without tracing is seen as such by instrumentations, and only that", () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  expect(withoutTracing(() => isTracingSuppressed(context.active()))).toBe(true);
  expect(isTracingSuppressed(context.active())).toBe(false);
});

test("where nobody registered a context manager it runs just the same", () => {
  expect(withoutTracing(() => "done")).toBe("done");
});

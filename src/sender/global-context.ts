/** The key on `globalThis` under which every copy of the API package, of any 1.x version, keeps its registrations. */
export const globalApiKey = Symbol.for("opentelemetry.js.api.1");

/** The SDKs' own key for "create no spans"; context keys are symbols of the global registry. */
const suppressTracingKey = Symbol.for("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

/**
 * Calls `run` so that instrumentations create no spans for the requests it sends. Works with any copy of the API by which the
 * application registered its context manager.
 */
export function withoutTracing<T>(run: () => T): T {
  const manager = property(property(globalThis, globalApiKey), "context");
  const active = call(manager, "active");
  const suppressed = call(active, "setValue", suppressTracingKey, true);
  if (suppressed === undefined) {
    return run();
  }
  let result: { readonly value: T } | undefined;
  call(manager, "with", suppressed, () => {
    result = { value: run() };
  });
  return result === undefined ? run() : result.value;
}

/** A property of a value of any type. */
export function property(of: unknown, name: PropertyKey): unknown {
  return (typeof of === "object" && of !== null) || typeof of === "function"
    ? Reflect.get(of, name)
    : undefined;
}

/** Calls a method of a value of any type; returns undefined if there is no such method. */
export function call(of: unknown, name: PropertyKey, ...args: readonly unknown[]): unknown {
  const method = property(of, name);
  return typeof method === "function" ? Reflect.apply(method, of, args) : undefined;
}

import { call, property } from "../sender/global-context.ts";
import { isStartedSpan, type StartedSpan } from "./started-span.ts";

/** Called by a provider that is watched. They may not throw. */
export interface ProviderListeners {
  onStart(span: StartedSpan): void;
  /** It shuts down, so that no span that it started will be exported any more. */
  onShutdown(): void;
}

/**
 * Makes `provider`, a tracer provider of any SDK, report every span it starts, and its shutdown. It does so by the two
 * methods that the API defines, `getTracer` and `startSpan`, and by `shutdown`, which every SDK has; what they do
 * stays as it is. Tracers that were handed out before, and are not asked for again, are not
 * watched. Returns whether it could be done.
 */
export function watchProvider(
  provider: unknown,
  { onStart, onShutdown }: ProviderListeners,
): boolean {
  const getTracer = property(provider, "getTracer");
  if (typeof provider !== "object" || provider === null || typeof getTracer !== "function") {
    return false;
  }
  const shutdown = property(provider, "shutdown");
  if (typeof shutdown === "function") {
    replace(provider, "shutdown", (...args) => {
      onShutdown();
      return Reflect.apply(shutdown, provider, args);
    });
  }
  const watched = new WeakSet<object>();
  return replace(provider, "getTracer", (...args) => {
    const tracer: unknown = Reflect.apply(getTracer, provider, args);
    if (typeof tracer === "object" && tracer !== null && !watched.has(tracer)) {
      watched.add(tracer);
      watchTracer(tracer, onStart);
    }
    return tracer;
  });
}

/** `startActiveSpan` of every SDK calls `startSpan` of the same tracer, so that one is enough. */
function watchTracer(tracer: object, onStart: (span: StartedSpan) => void): void {
  const startSpan = property(tracer, "startSpan");
  if (typeof startSpan === "function") {
    replace(tracer, "startSpan", (...args) => {
      const span: unknown = Reflect.apply(startSpan, tracer, args);
      if (isStartedSpan(span) && call(span, "isRecording") === true) {
        onStart(span);
      }
      return span;
    });
  }
}

function replace(
  of: object,
  name: string,
  method: (...args: readonly unknown[]) => unknown,
): boolean {
  // Not enumerable, as the methods of a class are not. False when the object is frozen.
  return Reflect.defineProperty(of, name, {
    value: method,
    configurable: true,
    enumerable: false,
    writable: true,
  });
}

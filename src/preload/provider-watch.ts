import { call, property } from "../sender/global-context.ts";
import { isStartedSpan, type StartedSpan } from "./started-span.ts";

/** Called by a watched provider. They must not throw. */
export interface ProviderListeners {
  onStart(span: StartedSpan): void;
  /** It shuts down, so it will export no more spans. */
  onShutdown(): void;
}

/**
 * Makes `provider`, a tracer provider of any SDK, report its shutdown and every span it starts. It wraps the two methods that
 * the API defines, `getTracer` and `startSpan`, and `shutdown`, which every SDK has, without changing their behaviour. Tracers
 * that were returned before, and are not requested again, are not watched. Returns whether the provider is watched.
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

import type { Context, Span, SpanOptions, Tracer, TracerProvider } from "@opentelemetry/api";

/**
 * A tracer provider that delegates to another one, which it determines at each use. So tracers that were created early use the
 * application's own SDK when that is registered later.
 */
export function createDelegatingProvider(provider: () => TracerProvider): TracerProvider {
  return {
    getTracer: (name, version, options) =>
      new DelegatingTracer(provider, (current) => current.getTracer(name, version, options)),
  };
}

class DelegatingTracer implements Tracer {
  readonly #provider: () => TracerProvider;
  readonly #tracerOf: (provider: TracerProvider) => Tracer;
  #current: { readonly provider: TracerProvider; readonly tracer: Tracer } | undefined;

  constructor(provider: () => TracerProvider, tracerOf: (provider: TracerProvider) => Tracer) {
    this.#provider = provider;
    this.#tracerOf = tracerOf;
  }

  startSpan(name: string, options?: SpanOptions, context?: Context): Span {
    return this.#tracer().startSpan(name, options, context);
  }

  startActiveSpan<F extends (span: Span) => unknown>(name: string, fn: F): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    options: SpanOptions,
    fn: F,
  ): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    options: SpanOptions,
    context: Context,
    fn: F,
  ): ReturnType<F>;
  startActiveSpan(...args: readonly unknown[]): unknown {
    const tracer = this.#tracer();
    return Reflect.apply(tracer.startActiveSpan, tracer, args);
  }

  #tracer(): Tracer {
    const provider = this.#provider();
    if (this.#current?.provider !== provider) {
      this.#current = { provider, tracer: this.#tracerOf(provider) };
    }
    return this.#current.tracer;
  }
}

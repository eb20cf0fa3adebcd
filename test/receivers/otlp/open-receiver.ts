import { randomBytes } from "node:crypto";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { ServerAuthenticator } from "../../../src/component/authenticator.ts";
import type { Component } from "../../../src/component/component.ts";
import { accepted, type ConsumeResult, type Consumer } from "../../../src/component/consumer.ts";
import type { ProcessMemory } from "../../../src/component/memory.ts";
import { ManualReader } from "../../../src/metrics/manual-reader.ts";
import { unsharedSockets } from "../../../src/net/listening-sockets.ts";
import type { Payload, Signal } from "../../../src/otlp/payload.ts";
import { factory } from "../../../src/receivers/otlp/factory.ts";
import type { OtlpTransport } from "../../../src/receivers/otlp/request-instruments.ts";
import { zeroCounts } from "../../exporters/settings.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { fakeMemory } from "../../support/fake-memory.ts";
import { wellService } from "../../support/service-status.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface OpenReceiver {
  readonly component: Component;
  readonly clock: FakeClock;
  readonly url: string;
  readonly port: number;
  /** The port of gRPC, if it was asked for. */
  readonly grpcPort: number;
  readonly payloads: Payload[];
  readonly lines: LogLine[];
  /** Requests refused so far by reason; those that are 0 are left out. */
  refused(transport?: OtlpTransport): Promise<Readonly<Record<string, number>>>;
  /** The points of a counter that are not 0, as `attribute values, joined → value`. */
  counts(name: string): Promise<Readonly<Record<string, number>>>;
  /** Items that the receiver itself counted as refused. */
  readonly leftOut: { items: number };
  /** The reasons that are reported at all. */
  reasons(transport?: OtlpTransport): Promise<readonly string[]>;
}

export interface OpenOptions {
  readonly http?: Readonly<Record<string, unknown>>;
  /** The section of gRPC; without it, the receiver has only HTTP. */
  readonly grpc?: Readonly<Record<string, unknown>>;
  readonly signals?: readonly Signal[];
  readonly consume?: (payload: Payload) => Promise<ConsumeResult>;
  readonly refusal?: Consumer["refusal"];
  readonly memory?: ProcessMemory;
  /** The one that every `auth.authenticator` names. */
  readonly authenticator?: ServerAuthenticator;
}

const opened: Component[] = [];

/** A started receiver on a free port whose pipelines keep what they get and answer what they are told to. */
export async function openReceiver(options: OpenOptions = {}): Promise<OpenReceiver> {
  const payloads: Payload[] = [];
  const lines: LogLine[] = [];
  const leftOut = { items: 0 };
  const log =
    (level: LogLine["level"]) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      lines.push({ level, message, fields });
    };
  const clock = new FakeClock();
  const reader = new ManualReader();
  const provider = new MeterProvider({ readers: [reader] });
  const component = factory.create(
    {
      id: "otlp",
      version: "0.0.0",
      env: {},
      clock,
      random: () => 0.5,
      randomBytes: (length) => new Uint8Array(randomBytes(length)),
      memory: options.memory ?? fakeMemory(),
      logger: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
      meter: provider.getMeter("test"),
      reportStatus: () => {},
      stopping: new AbortController().signal,
      sockets: unsharedSockets(),
      authenticator: () => ({
        ...(options.authenticator === undefined ? {} : { server: options.authenticator }),
      }),
      serviceStatus: () => wellService,
      exportCounts: zeroCounts,
    },
    {
      protocols: {
        http: { endpoint: "127.0.0.1:0", ...options.http },
        ...(options.grpc === undefined
          ? {}
          : { grpc: { endpoint: "127.0.0.1:0", ...options.grpc } }),
      },
    },
  );
  for (const signal of options.signals ?? (["traces", "metrics", "logs"] as const)) {
    component.receiver?.connect(signal, {
      ...(options.refusal === undefined ? {} : { refusal: options.refusal }),
      countRefused(items) {
        leftOut.items += items;
      },
      consume(payload) {
        payloads.push(payload);
        return options.consume?.(payload) ?? Promise.resolve(accepted);
      },
    });
  }
  await component.start();
  opened.push(component);
  const endpointOf = (transport: string) =>
    String(lines.find(({ message }) => message.endsWith(`over ${transport}.`))?.fields["endpoint"]);
  const endpoint = endpointOf("HTTP");

  const points = async (name = "otelcol_receiver_refused_requests") => {
    const { resourceMetrics } = await reader.collect();
    return resourceMetrics.scopeMetrics
      .flatMap((scope) => scope.metrics)
      .filter((metric) => metric.descriptor.name === name)
      .flatMap((metric) =>
        metric.dataPoints.map(({ attributes, value }) => ({ attributes, value: Number(value) })),
      );
  };
  return {
    component,
    clock,
    url: `http://${endpoint}`,
    port: Number(endpoint.split(":").at(-1)),
    grpcPort: Number(endpointOf("gRPC").split(":").at(-1)),
    payloads,
    lines,
    async refused(transport = "http") {
      return Object.fromEntries(
        (await points())
          .filter(({ attributes, value }) => attributes["transport"] === transport && value > 0)
          .map((point) => [String(point.attributes["reason"]), point.value]),
      );
    },
    async counts(name) {
      return Object.fromEntries(
        (await points(name))
          .filter((point) => point.value > 0)
          .map(({ attributes: { receiver, ...others }, value }) => [
            Object.values(others).join(","),
            value,
          ]),
      );
    },
    leftOut,
    async reasons(transport = "http") {
      return (await points())
        .filter(({ attributes }) => attributes["transport"] === transport)
        .map(({ attributes }) => String(attributes["reason"]));
    },
  };
}

/** For `afterEach`. */
export async function closeReceivers(): Promise<void> {
  await Promise.all(opened.splice(0).map((component) => component.shutdown(AbortSignal.abort())));
}

import type { Consumer } from "../../component/consumer.ts";
import type { Settings } from "../../component/settings.ts";
import { RejectionReport } from "../../delivery/rejected-items.ts";
import type { InstrumentSpec } from "../../metrics/instrument.ts";
import type { ValidPart } from "../../otlp/check-request.ts";
import type { PartialSuccess } from "../../otlp/encode.ts";
import type { Signal, Transport } from "../../otlp/payload.ts";
import type { HttpConfig } from "./config.ts";
import { MisdirectedSenders } from "./misdirected-senders.ts";

const signals = ["traces", "metrics", "logs"] as const;

export const misdirectedRequests = {
  name: "otelcol_receiver_misdirected_requests",
  kind: "counter",
  unit: "{request}",
  description:
    "Number of requests with data of one signal that were sent to the endpoint of another, where those data are not accepted.",
  attributes: {
    receiver: "a component id of the config",
    "otel.signal": signals,
    endpoint: signals,
  },
} as const satisfies InstrumentSpec;

const grpcServices = {
  traces: "opentelemetry.proto.collector.trace.v1.TraceService",
  metrics: "opentelemetry.proto.collector.metrics.v1.MetricsService",
  logs: "opentelemetry.proto.collector.logs.v1.LogsService",
} as const satisfies Record<Signal, string>;

/** How a request came, and where it goes. */
export interface ReceivedFrom {
  readonly signal: Signal;
  readonly transport: Transport;
  readonly next: Consumer;
}

/** Counts and logs what is wrong inside of requests that are accepted, and says it to the sender. */
export class ContentReport {
  readonly #settings: Settings;
  readonly #http: HttpConfig | undefined;
  readonly #rejections: RejectionReport;
  readonly #misdirected;
  readonly #senders: MisdirectedSenders;

  constructor(settings: Settings, http: HttpConfig | undefined) {
    this.#settings = settings;
    this.#http = http;
    this.#rejections = new RejectionReport(settings);
    this.#misdirected = settings.meter.createCounter(misdirectedRequests.name, misdirectedRequests);
    this.#senders = new MisdirectedSenders(settings);
  }

  /** A rate needs a zero to begin from. */
  start(): void {
    this.#rejections.start();
    for (const signal of signals) {
      for (const endpoint of signals.filter((each) => each !== signal)) {
        this.#countMisdirected(signal, endpoint, 0);
      }
    }
  }

  /** Logs what was held back. */
  stop(): void {
    this.#rejections.stop();
  }

  /** Reports a request, and returns what to say to its sender if not all of it is accepted. */
  partialOf(
    { signal, next, transport }: ReceivedFrom,
    checked: ValidPart,
  ): PartialSuccess | undefined {
    const { rejected, reason, misdirected } = checked;
    if (checked.rejectedBy !== undefined || checked.repairedBy !== undefined) {
      this.#rejections.report(signal, checked);
      next.countRefused?.(rejected, transport);
    }
    const remedy =
      misdirected === undefined ? undefined : this.#misdirect(misdirected, signal, transport);
    const message = [reason, remedy].filter((part) => part !== undefined).join(" ");
    return message === "" ? undefined : { rejected, message };
  }

  #misdirect(data: Signal, endpoint: Signal, transport: Transport): string {
    this.#countMisdirected(data, endpoint, 1);
    const place = transport === "grpc" ? grpcServices[data] : this.#pathOf(data);
    this.#senders.report(`${data}_sent_to_${endpoint}`, {
      message:
        "A request has data of another signal than its endpoint accepts. Those data are lost. Correct the endpoint in the configuration of the sender.",
      fields: { "otel.signal": data, endpoint, correct: place },
    });
    return `The request has ${data}, which the endpoint of ${endpoint} does not accept. Send ${data} to ${place}.`;
  }

  #pathOf(signal: Signal): string {
    return this.#http?.[`${signal}_url_path`] ?? `/v1/${signal}`;
  }

  #countMisdirected(signal: Signal, endpoint: Signal, requests: number): void {
    this.#misdirected.add(requests, {
      receiver: this.#settings.id,
      "otel.signal": signal,
      endpoint,
    });
  }
}

import { OldestFirstMap } from "../../src/collections/oldest-first-map.ts";
import type { WorkKind } from "./gateway-event.ts";
import { ProtobufWriter, varintWidth } from "./protobuf-writer.ts";
import type { ClaimRecord, EventRecord, SpanRecord } from "./relay-record.ts";
import { version } from "./relay-version.ts";
import type { Resource } from "./resource.ts";

/** The collector recognizes the relay's data by this name. */
const scopeName = "openclaw-activity-relay";

/** Seconds between two heartbeats. */
export const heartbeatSeconds = 10;

/** An event about this process itself. */
export interface ProcessRecord {
  readonly signal: "process";
  /** The process is alive; it ends; it keeps running, but its work is no longer watched. */
  readonly event: "entity.state" | "entity.delete" | "openclaw.activity.unwatched";
  readonly atMs: number;
  /** How many records were lost and how many pieces of open work were forgotten since the relay started. */
  readonly lost: number;
}

const names: Readonly<Record<WorkKind, string>> = {
  harness: "openclaw.harness.run",
  run: "openclaw.run",
  tool: "openclaw.tool.execution",
  model_call: "openclaw.model.call",
};

const claimCounts = [
  "queueDepth",
  "ageMs",
  "lastProgressAgeMs",
  "evictedTools",
  "evictedModelCalls",
] as const;

const spanKinds = { internal: 1, client: 3 } as const;
const statusError = 2;
const severityInfo = 9;

/** Encodes requests of OTLP/HTTP, `application/x-protobuf`. */
export class OtlpEncoder {
  readonly #writer = new ProtobufWriter();
  readonly #resource: Buffer;
  readonly #scope: Buffer;
  readonly #instanceId: string;
  /** Attributes of spans as bytes, by key and value. */
  readonly #written = new Map<string, OldestFirstMap<string, Uint8Array>>();

  constructor(resource: Resource) {
    this.#instanceId = resource.serviceInstanceId;
    this.#resource = this.#alone(() => {
      this.#writer.message(1, () => this.#resourceAttributes(resource));
    });
    this.#scope = this.#alone(() => {
      this.#writer.message(1, () => {
        this.#writer.text(1, scopeName);
        this.#writer.text(2, version);
      });
    });
  }

  /** An `ExportTraceServiceRequest`. */
  traces(records: readonly SpanRecord[]): Buffer {
    return this.#request(() => {
      for (const record of records) {
        this.#span(record);
      }
    });
  }

  /** An `ExportLogsServiceRequest`. */
  logs(records: readonly (EventRecord | ProcessRecord)[]): Buffer {
    return this.#request(() => {
      for (const record of records) {
        this.#logRecord(record);
      }
    });
  }

  #request(items: () => void): Buffer {
    const writer = this.#writer;
    return this.#alone(() => {
      writer.message(1, () => {
        writer.raw(this.#resource);
        writer.message(2, () => {
          writer.raw(this.#scope);
          items();
        });
      });
    });
  }

  #alone(content: () => void): Buffer {
    this.#writer.reset();
    content();
    return this.#writer.since(0);
  }

  #resourceAttributes(resource: Resource): void {
    this.#text(1, "service.name", resource.serviceName);
    this.#text(1, "service.version", resource.serviceVersion);
    this.#text(1, "service.instance.id", resource.serviceInstanceId);
    this.#text(1, "host.name", resource.hostName);
    this.#text(1, "host.id", resource.hostId);
    this.#integer(1, "process.pid", resource.processPid);
  }

  #span(record: SpanRecord): void {
    const writer = this.#writer;
    const from = writer.open(2);
    writer.hex(1, record.traceId);
    writer.hex(2, record.spanId);
    if (record.parentSpanId !== "") {
      writer.hex(4, record.parentSpanId);
    }
    writer.text(5, names[record.kind]);
    writer.integer(6, record.kind === "model_call" ? spanKinds.client : spanKinds.internal);
    writer.nanoseconds(7, record.startMs);
    if (record.phase === "end") {
      writer.nanoseconds(8, record.endMs);
    }
    this.#spanAttributes(record);
    if (record.isError) {
      const status = writer.open(15);
      writer.integer(3, statusError);
      writer.close(status);
    }
    writer.close(from);
  }

  #spanAttributes(record: SpanRecord): void {
    this.#spanText("session.id", record.session);
    this.#integer(9, "openclaw.seq", record.seq);
    if (record.isProgress) {
      this.#keyAndLength(9, "openclaw.progress", 2);
      this.#writer.integer(2, 1);
    }
    switch (record.kind) {
      case "harness":
        this.#spanText("openclaw.harness.id", record.name);
        break;
      case "tool":
        this.#spanText("gen_ai.operation.name", "execute_tool");
        this.#spanText("gen_ai.tool.name", record.name);
        break;
      case "model_call":
        this.#spanText("gen_ai.operation.name", "chat");
        break;
      case "run":
        break;
      default:
        record.kind satisfies never;
    }
    this.#spanText("openclaw.channel", record.channel);
    this.#spanText("openclaw.provider", record.provider);
    this.#spanText("openclaw.model", record.model);
    this.#spanText("openclaw.outcome", record.outcome);
    this.#spanText("openclaw.errorCategory", record.errorCategory);
  }

  /** Writes an attribute of a span. Sessions, tools and models repeat, so the bytes of the first time are copied later. */
  #spanText(key: string, value: string | undefined): void {
    if (value === undefined) {
      return;
    }
    let written = this.#written.get(key);
    if (written === undefined) {
      written = new OldestFirstMap(512);
      this.#written.set(key, written);
    }
    const known = written.get(value);
    if (known !== undefined) {
      this.#writer.raw(known);
      return;
    }
    const from = this.#writer.length;
    this.#text(9, key, value);
    written.set(value, this.#writer.since(from));
  }

  #logRecord(record: EventRecord | ProcessRecord): void {
    const writer = this.#writer;
    writer.message(2, () => {
      writer.nanoseconds(1, record.atMs);
      writer.integer(2, severityInfo);
      if (record.signal === "process") {
        this.#process(record);
      } else {
        this.#event(record);
      }
      writer.nanoseconds(11, record.atMs);
      writer.text(12, record.event);
    });
  }

  #process({ event, lost }: ProcessRecord): void {
    if (event !== "openclaw.activity.unwatched") {
      this.#text(6, "entity.type", "service.instance");
      this.#entityId();
      this.#integer(6, "entity.report.interval", heartbeatSeconds);
    }
    this.#integer(6, "openclaw.relay.lost", lost);
  }

  #event(record: EventRecord): void {
    this.#text(6, "session.id", record.session);
    this.#integer(6, "openclaw.seq", record.seq);
    if (record.signal === "session") {
      return;
    }
    if (record.signal === "pause") {
      this.#text(6, "gen_ai.agent.pause.id", record.pause);
    } else {
      this.#claim(record);
    }
    if (record.spanId !== "") {
      this.#writer.hex(9, record.traceId);
      this.#writer.hex(10, record.spanId);
    }
  }

  #claim(record: ClaimRecord): void {
    this.#text(6, "openclaw.state", record.state);
    this.#text(6, "openclaw.reason", record.reason);
    this.#text(6, "openclaw.classification", record.classification);
    this.#text(6, "openclaw.activeWorkKind", record.activeWorkKind);
    this.#text(6, "gen_ai.tool.name", record.toolName);
    this.#text(6, "openclaw.action", record.action);
    this.#text(6, "openclaw.status", record.status);
    for (const key of claimCounts) {
      const count = record[key];
      if (count !== undefined) {
        this.#integer(6, `openclaw.${key}`, count);
      }
    }
  }

  /** `entity.id` is a list of the identifying attributes: KeyValue.value (2) → kvlist_value (6) → values (1). */
  #entityId(): void {
    const writer = this.#writer;
    writer.message(6, () => {
      writer.text(1, "entity.id");
      writer.message(2, () =>
        writer.message(6, () => this.#text(1, "service.instance.id", this.#instanceId)),
      );
    });
  }

  #text(field: number, key: string, value: string | undefined): void {
    if (value === undefined) {
      return;
    }
    const length = Buffer.byteLength(value);
    this.#keyAndLength(field, key, 1 + varintWidth(length) + length);
    this.#writer.text(1, value);
  }

  #integer(field: number, key: string, value: number): void {
    const natural = Math.max(0, Math.trunc(value));
    this.#keyAndLength(field, key, 1 + varintWidth(natural));
    this.#writer.integer(3, natural);
  }

  /** Writes a KeyValue up to the one field of its AnyValue. The lengths are known, so no bytes have to be moved. */
  #keyAndLength(field: number, key: string, valueLength: number): void {
    // Keys are constants of this file: ASCII, shorter than 128.
    const keyLength = 2 + key.length;
    this.#writer.prefix(field, keyLength + 1 + varintWidth(valueLength) + valueLength);
    this.#writer.text(1, key);
    this.#writer.prefix(2, valueLength);
  }
}

import Long from "long";
import type { Component } from "../../../src/component/component.ts";
import type { Replaces } from "../../../src/component/settings.ts";
import { renderPrometheus } from "../../../src/metrics/prometheus-text.ts";
import type { Payload } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { schema } from "../../../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../../../src/processors/session_activity/processor.ts";
import { testSettings } from "../../exporters/settings.ts";
import type { FakeClock } from "../../support/fake-clock.ts";
import type { MemoryStorage } from "./memory-journal.ts";

interface Span {
  readonly id: number;
  readonly parent?: number;
  readonly trace?: number;
  readonly tool?: string;
  readonly session?: string;
  /** In seconds. Without an end the span is open. */
  readonly start: number;
  readonly end?: number;
  /** A snapshot of Datadog's tracer: open, and with a lease. */
  readonly snapshot?: boolean;
}

const epochS = 1_796_000_000;
const nanos = (seconds: number) =>
  Long.fromString(String(BigInt(epochS + seconds) * 1_000_000_000n), true);
const idOf = (id: number) => Buffer.from(id.toString(16).padStart(16, "0"), "hex");
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

/** A request of a gateway, whose spans are those of one process. */
export function requestOf(...spans: readonly Span[]): Payload {
  const bytes = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        resource: {
          attributes: [
            text("service.name", "gateway"),
            text("host.name", "box"),
            text("service.instance.id", "one"),
          ],
        },
        scopeSpans: [
          {
            spans: spans.map(({ id, parent, trace, tool, session, start, end, snapshot }) => ({
              traceId: Buffer.concat([Buffer.alloc(8, 7), idOf(trace ?? 7)]),
              spanId: idOf(id),
              ...(parent === undefined ? {} : { parentSpanId: idOf(parent) }),
              name: tool === undefined ? "openclaw.run" : "openclaw.tool.execution",
              startTimeUnixNano: nanos(start),
              ...(end === undefined ? {} : { endTimeUnixNano: nanos(end) }),
              attributes: [
                ...(tool === undefined ? [] : [text("gen_ai.tool.name", tool)]),
                ...(session === undefined ? [] : [text("session.id", session)]),
                ...(snapshot === true
                  ? [{ key: "_dd.partial_version", value: { intValue: Long.fromNumber(1) } }]
                  : []),
              ],
            })),
          },
        ],
      },
    ],
  }).finish();
  return { signal: "traces", bytes, items: spans.length };
}

/** Starts a collector whose state is in `storage`, if there is one. Random bytes are all `seed`. */
export async function open(
  storage: MemoryStorage | undefined,
  options: {
    readonly seed?: number;
    readonly afterMs?: number;
    /** Sets the wall clock. */
    readonly unixMs?: number;
    readonly config?: Readonly<Record<string, unknown>>;
    /** The collector that it will replace, whose clock it has. */
    readonly replaces?: Replaces & { readonly clock: FakeClock };
    /** Called before the start. */
    readonly onCreated?: (component: Component) => void;
  } = {},
) {
  const { settings, log, ...own } = testSettings("session_activity");
  const clock = options.replaces?.clock ?? own.clock;
  clock.advance(options.afterMs ?? 0);
  if (options.unixMs !== undefined) {
    clock.setUnixMs(options.unixMs);
  }
  const component: Component = createSessionActivity(
    {
      ...settings,
      clock,
      ...(storage === undefined ? {} : { storage }),
      ...(options.replaces === undefined ? {} : { replaces: options.replaces }),
      randomBytes: (length) => new Uint8Array(length).fill(options.seed ?? 0),
    },
    schema.parse({
      ...(storage === undefined ? {} : { storage: "file_storage" }),
      ...options.config,
    }),
  );
  const logs: Payload[] = [];
  const forwarded: Payload[] = [];
  let accepts = true;
  const traces = component.processor!.wrap("traces", {
    consume: async (payload) => {
      forwarded.push(payload);
      return { status: "accepted" };
    },
  });
  const inputLogs = component.processor!.wrap("logs", {
    consume: async () => ({ status: "accepted" }),
  });
  component.receiver!.connect("logs", {
    consume: (payload) => {
      logs.push(payload);
      if (accepts) {
        return Promise.resolve({ status: "accepted" });
      }
      return new Promise(() => {}); // a pipeline that never answers
    },
  });
  options.onCreated?.(component);
  await component.start();
  /** All that reached the pipeline, also without its answer. */
  const records = () =>
    logs.flatMap(({ bytes }) =>
      otlp.ExportLogsServiceRequest.decode(bytes).resourceLogs.flatMap((each) =>
        each.scopeLogs!.flatMap((scope) => scope.logRecords!),
      ),
    );
  const lines = async () =>
    renderPrometheus(await component.receiver!.metrics!.collect(), { suffixes: true }).split("\n");
  return {
    component,
    clock,
    log,
    statuses: own.statuses,
    send: (...spans: readonly Span[]) => traces.consume(requestOf(...spans)),
    post: (payload: Payload) => (payload.signal === "traces" ? traces : inputLogs).consume(payload),
    holdLogs: () => {
      accepts = false;
    },
    requests: logs,
    records,
    evictions: () => records().filter(({ eventName }) => eventName === "session.activity.evicted"),
    events: () =>
      records().map(({ eventName, timeUnixNano, attributes }) => ({
        eventName,
        atS: Number(BigInt(String(timeUnixNano)) / 1_000_000n) / 1000,
        tool: attributes!.find(({ key }) => key === "gen_ai.tool.name")?.value?.stringValue,
      })),
    /** Each event with its time and attributes. */
    eventLines: () =>
      records().map(({ eventName, timeUnixNano, attributes }) =>
        [
          ...[eventName, String(timeUnixNano)],
          ...attributes!.map(({ key, value }) => `${key}=${value!.stringValue ?? value!.intValue}`),
        ].join(" "),
      ),
    /** The names of closing spans. */
    closingSpans: () =>
      forwarded
        .flatMap(({ bytes }) => otlp.ExportTraceServiceRequest.decode(bytes).resourceSpans)
        .flatMap(({ scopeSpans }) => scopeSpans!.flatMap(({ spans }) => spans!))
        .map(({ name }) => name)
        .filter((name) => name?.endsWith("(evicted)")),
    oldestAgeS: async () => {
      const age = /oldest_age_seconds\{openclaw_kind="tool"\} (\S+)/.exec(
        (await lines()).join("\n"),
      );
      return Number(age?.[1]);
    },
    /** Open, started, ended and evicted work. */
    page: async () =>
      (await lines())
        .filter(
          (line) =>
            /_(open|started_total|ended_total|evicted_total)\{/.test(line) && !line.endsWith(" 0"),
        )
        .map((line) => line.replace("openclaw_session_activity_", "").replace("openclaw_", ""))
        .sort(),
    /** All metrics that are not 0, without the buckets of histograms. */
    wholePage: async () =>
      (await lines()).filter(
        (line) =>
          line.startsWith("openclaw_session_") &&
          !line.includes("_bucket{") &&
          !line.endsWith(" 0"),
      ),
  };
}

/** Resolves when everything emitted by now is delivered. */
export const delivered = () => new Promise<void>((resolve) => setImmediate(resolve));

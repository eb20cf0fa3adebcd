import Long from "long";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { otlp } from "../../src/otlp/proto/generated.js";
import { type AgentSpan, agentSpan, toNanos } from "../support/agent-spans.ts";
import { eventsIn } from "../support/derived-telemetry.ts";
import { scrape } from "../support/metrics-page.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { send } from "../support/send.ts";

type Resource = Readonly<Record<string, string | number>>;

const attributesOf = (values: Resource) =>
  Object.entries(values).map(([key, value]) => ({
    key,
    value:
      typeof value === "number" ? { intValue: Long.fromNumber(value) } : { stringValue: value },
  }));

let backend: OtlpSink;
let collector: RunningCollector;

beforeAll(async () => {
  backend = await openSink();
  collector = await startCollector({
    configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
    overrides: ["processors::session_activity::allowed_lateness: 300ms"],
    env: { BACKEND_URL: backend.url },
  });
});

afterAll(async () => {
  await collector.stop();
  await backend.close();
});

/** A process as its resource describes it. */
function sender(resource: Resource) {
  const described = { resource: { attributes: attributesOf(resource) } };
  const post = async (signal: "traces" | "logs", body: Uint8Array) =>
    expect((await send(collector.endpoints.otlp, signal, body)).status).toBe(200);
  return {
    /** Live or, with an end, finished spans. */
    spans: (...spans: readonly { readonly span: AgentSpan; readonly hasEnded?: boolean }[]) =>
      post(
        "traces",
        otlp.ExportTraceServiceRequest.encode({
          resourceSpans: [
            {
              ...described,
              scopeSpans: [
                {
                  spans: spans.map(({ span, hasEnded }) => ({
                    traceId: span.traceId,
                    spanId: span.spanId,
                    ...(span.parent === undefined ? {} : { parentSpanId: span.parent.spanId }),
                    name: span.name,
                    startTimeUnixNano: toNanos(span.startUnixMs),
                    ...(hasEnded === true ? { endTimeUnixNano: toNanos(Date.now()) } : {}),
                    attributes: attributesOf(span.attributes as Resource),
                  })),
                },
              ],
            },
          ],
        }).finish(),
      ),
    event: (eventName: string, attributes: Resource = {}) =>
      post(
        "logs",
        otlp.ExportLogsServiceRequest.encode({
          resourceLogs: [
            {
              ...described,
              scopeLogs: [{ logRecords: [{ eventName, attributes: attributesOf(attributes) }] }],
            },
          ],
        }).finish(),
      ),
  };
}

function turn(tool: string, session: string) {
  const run = agentSpan("openclaw.run", { "session.id": session });
  const call = agentSpan("openclaw.tool.execution", { "gen_ai.tool.name": tool }, run);
  return { run, call, started: [{ span: run }, { span: call }] };
}

/** Evictions of a tool so far. */
const evictionsOf = (tool: string) =>
  eventsIn(backend.requests, "session.activity.evicted")
    .map(({ attributes }) => attributes)
    .filter((attributes) => attributes["gen_ai.tool.name"] === tool);

let witnesses = 0;

/** Resolves when a marker that was orphaned from here on has been evicted: everything due before has been decided. */
async function untilDecided(): Promise<void> {
  witnesses += 1;
  const witness = `witness_${witnesses}`;
  const { run, started } = turn(witness, witness);
  const other = sender({ "service.name": "witness", "service.instance.id": witness });
  await other.spans(...started);
  await other.spans({ span: run, hasEnded: true });
  await backend.until("the witness was evicted", () => evictionsOf(witness).at(0));
}

const processGone = (tool: string) =>
  expect.objectContaining({ "gen_ai.tool.name": tool, "openclaw.reason": "process_gone" });

describe("which process is which", () => {
  const instanceType = { "entity.type": "service.instance" };

  test("two replicas with one host name and pid share nothing: a session that ends in one goes on in the other", async () => {
    const at = { "service.name": "replica", "host.name": "pod", "process.pid": 1 };
    const one = sender({ ...at, "service.instance.id": "replica-1" });
    const two = sender({ ...at, "service.instance.id": "replica-2" });
    const session = "shared name";
    await one.spans(...turn("of_one", session).started);
    await two.spans(...turn("of_two", session).started);
    await two.event("session.end", { "session.id": session });
    await untilDecided();
    expect(evictionsOf("of_two")).toMatchObject([{ "openclaw.reason": "session_ended" }]);
    expect(evictionsOf("of_one")).toEqual([]);
  });

  test("a container that restarts is a new process: what it says of itself is not said of its predecessor", async () => {
    const at = { "service.name": "container", "host.name": "pod", "process.pid": 1 };
    const before = sender({ ...at, "service.instance.id": "before" });
    const after = sender({ ...at, "service.instance.id": "after" });
    await before.spans(...turn("before", "b").started);
    await after.spans(...turn("after", "a").started);
    await after.event("entity.delete", instanceType);
    await untilDecided();
    expect(evictionsOf("after")).toEqual([processGone("after")]);
    expect(evictionsOf("before")).toEqual([]);
  });

  test("exporters of one process that do not all know its instance id are one process", async () => {
    const at = { "service.name": "gateway", "host.name": "box", "process.pid": 41 };
    const { started, call, run } = turn("of_gateway", "g");
    await sender({ ...at, "service.instance.id": "gateway-1" }).spans(...started);
    await sender(at).spans({ span: call, hasEnded: true }, { span: run, hasEnded: true });
    await untilDecided();
    expect(evictionsOf("of_gateway")).toEqual([]);
  });

  test("a process that says too little of itself cannot end its siblings", async () => {
    const nameless = sender({ "service.name": "nameless" });
    const { started, run, call } = turn("of_nameless", "n");
    await nameless.spans(...started);
    await nameless.event("entity.delete", instanceType); // a sibling that ends
    await untilDecided();
    expect(evictionsOf("of_nameless")).toEqual([]);
    const page = await scrape(collector.endpoints.prometheus);
    expect(
      page.sum("openclaw_session_activity_signals_total", {
        dialect: "entity_event",
        result: "untracked",
      }),
    ).toBe(1);
    await nameless.spans({ span: call, hasEnded: true }, { span: run, hasEnded: true });
  });
});

test("a collector that was stopped for longer than the lateness reads what waits before it decides", async () => {
  const honest = sender({ "service.name": "honest", "service.instance.id": "honest" });
  const turns = [1, 2, 3, 4, 5].map((nth) => turn(`honest_${nth}`, `honest ${nth}`));
  await honest.spans(...turns.flatMap(({ started }) => started));
  await honest.spans(...turns.map(({ run }) => ({ span: run, hasEnded: true })));
  collector.kill("SIGSTOP");
  const sent = turns.map(({ call }) => honest.spans({ span: call, hasEnded: true }));
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  collector.kill("SIGCONT");
  await Promise.all(sent);
  await untilDecided();
  for (const nth of [1, 2, 3, 4, 5]) {
    expect(evictionsOf(`honest_${nth}`)).toEqual([]);
  }
  const page = await scrape(collector.endpoints.prometheus);
  expect(page.sum("openclaw_session_activity_reconciled_total")).toBe(0);
}, 60_000);

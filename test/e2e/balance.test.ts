import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Long from "long";
import { afterAll, beforeAll, expect, test } from "vitest";
import { relayScopeName } from "../../src/activity/recognition/dialects/sender-scopes.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import {
  type AgentSpan,
  agentSpan,
  keyValues,
  tracesRequest as tracesOf,
} from "../support/agent-spans.ts";
import { captured } from "../support/captures.ts";
import { type MetricsPage, scrape } from "../support/metrics-page.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { send } from "../support/send.ts";

const kinds = ["run", "tool", "model_call"] as const;
const markerKinds = ["tool", "model_call"] as const;
const prefix = "openclaw_session_activity";

let directory = "";
let collector: RunningCollector;
/** What was open before the restart. */
let left: readonly AgentSpan[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "activity-balance-"));
  collector = await start();
});
afterAll(async () => {
  await collector?.stop();
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
});

function start(): Promise<RunningCollector> {
  return startCollector({
    directory,
    overrides: [
      "processors::session_activity::allowed_lateness: 500ms",
      "processors::session_activity::restart_grace: 0s",
    ],
  });
}

async function post(...bodies: readonly Uint8Array[]): Promise<void> {
  for (const body of bodies) {
    expect((await send(collector.endpoints.otlp, "traces", body)).status).toBe(200);
  }
}

/** The page, once it has so much; what it says of each kind must add up at every look. */
async function pageWhen(series: string, labels: Record<string, string>, value: number) {
  let page = await balanced();
  await expect
    .poll(
      async () => {
        page = await balanced();
        return page.sum(`${prefix}_${series}`, labels);
      },
      { timeout: 20_000 },
    )
    .toBe(value);
  return page;
}

async function balanced(): Promise<MetricsPage> {
  const page = await scrape(collector.endpoints.prometheus);
  for (const kind of kinds) {
    const of = (what: string) => page.sum(`${prefix}_${what}`, { kind });
    const account = {
      ended: of("ended_total"),
      evicted: of("evicted_work_total"),
      open: of("open"),
      untracked: of("untracked_total"),
      correctedFrom: page.sum(`${prefix}_corrected_total`, { from: kind }),
      correctedTo: -page.sum(`${prefix}_corrected_total`, { to: kind }),
    };
    const sum = Object.values(account).reduce((total, count) => total + count, 0);
    expect(of("started_total"), `${kind} ${JSON.stringify(account)}`).toBe(sum);
  }
  const markers = markerKinds.reduce(
    (sum, kind) => sum + page.sum(`${prefix}_evicted_work_total`, { kind }),
    0,
  );
  expect(page.sum(`${prefix}_evicted_total`)).toBe(markers);
  return page;
}

/** A process that says which one it is: only of such ones whole sessions are known. */
function tracesRequest(
  service: string,
  spans: readonly { readonly span: AgentSpan; readonly endUnixMs?: number }[],
): Uint8Array {
  const request = otlp.ExportTraceServiceRequest.decode(tracesOf(service, spans));
  for (const { resource } of request.resourceSpans) {
    resource?.attributes?.push(...keyValues({ "service.instance.id": service }));
  }
  return otlp.ExportTraceServiceRequest.encode(request).finish();
}

function turn(session: string, tools = 1) {
  const attributes = { "session.id": session };
  const run = agentSpan("openclaw.run", attributes);
  const of = (name: string) => agentSpan(name, { "gen_ai.tool.name": session }, run);
  return {
    run,
    tools: Array.from({ length: tools }, () => of("openclaw.tool.execution")),
    call: of("openclaw.model.call"),
  };
}

const open = (span: AgentSpan) => ({ span });
const ended = (span: AgentSpan) => ({ span, endUnixMs: Date.now() + 1 });

function sessionEnd(service: string, session: string): Uint8Array {
  return otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource: {
          attributes: keyValues({ "service.name": service, "service.instance.id": service }),
        },
        scopeLogs: [
          {
            logRecords: [
              {
                timeUnixNano: Long.fromNumber(Date.now(), true).multiply(1_000_000),
                eventName: "session.end",
                attributes: keyValues({ "session.id": session }),
              },
            ],
          },
        ],
      },
    ],
  }).finish();
}

/** Of the relay, which numbers what it sends. */
function relayed(span: AgentSpan, seq: number, endUnixMs?: number): Uint8Array {
  const request = otlp.ExportTraceServiceRequest.decode(
    tracesRequest("numbered", [{ span, ...(endUnixMs === undefined ? {} : { endUnixMs }) }]),
  );
  for (const scope of request.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans ?? [])) {
    scope.scope = { name: relayScopeName };
    for (const each of scope.spans ?? []) {
      each.attributes?.push({ key: "openclaw.seq", value: { intValue: Long.fromNumber(seq) } });
    }
  }
  return otlp.ExportTraceServiceRequest.encode(request).finish();
}

test("every series of the balance is there before anything has happened", async () => {
  const { text } = await balanced();
  for (const kind of kinds) {
    expect(text).toContain(`${prefix}_evicted_work_total{kind="${kind}",reason="max_age"} 0`);
  }
  expect(text).toContain(`${prefix}_late_starts_total{kind="tool"} 0`);
  expect(text).not.toContain(`${prefix}_late_starts_total{kind="run"}`);
});

test("work that ends, work that is left behind and its late end", async () => {
  const healthy = turn("healthy");
  await post(
    tracesRequest("a", [open(healthy.run), open(healthy.tools[0]!), open(healthy.call)]),
    tracesRequest("a", [ended(healthy.tools[0]!), ended(healthy.call), ended(healthy.run)]),
  );
  const orphan = turn("orphan", 2);
  await post(
    tracesRequest("a", [open(orphan.run), ...orphan.tools.map(open), open(orphan.call)]),
    tracesRequest("a", [ended(orphan.run)]),
  );
  await pageWhen("evicted_work_total", { kind: "tool", reason: "orphaned_no_owner" }, 2);
  await post(tracesRequest("a", [ended(orphan.tools[0]!)]));
  const page = await pageWhen("reconciled_total", { kind: "tool" }, 1);
  expect(page.sum(`${prefix}_evicted_work_total`, { kind: "model_call" })).toBe(1);
});

test("a session that ends takes its run, which only evicted_work counts", async () => {
  const { run, tools } = turn("over");
  await post(tracesRequest("b", [open(run), ...tools.map(open)]));
  await send(collector.endpoints.otlp, "logs", sessionEnd("b", "over"));
  const page = await pageWhen("evicted_work_total", { kind: "run", reason: "session_ended" }, 1);
  expect(page.sum(`${prefix}_evicted_total`, { reason: "session_ended" })).toBe(1);
});

test("markers that are known by number only, from the bytes of a real gateway", async () => {
  const before = await balanced();
  const evicted = before.sum(`${prefix}_evicted_work_total`, { kind: "tool" });
  await post(
    ...captured("v610-orphan-tool")
      .filter(({ signal }) => signal === "traces")
      .slice(0, -1)
      .map(({ body }) => body),
  );
  await pageWhen("evicted_work_total", { kind: "tool" }, evicted + 1);
});

test("phantoms are untracked, and a start that comes too late is none", async () => {
  await post(tracesRequest("c", [open(agentSpan("openclaw.tool.execution"))]));
  await pageWhen("untracked_total", { kind: "tool" }, 1);
  const { run, tools } = turn("numbered", 2);
  await post(relayed(run, 1), relayed(tools[0]!, 2), relayed(run, 9, Date.now() + 1));
  const orphans = (await balanced()).sum(`${prefix}_evicted_work_total`, { kind: "tool" });
  await pageWhen("evicted_work_total", { kind: "tool" }, orphans + 1);
  await post(relayed(tools[1]!, 3));
  const page = await pageWhen("late_starts_total", { kind: "tool" }, 1);
  expect(page.sum(`${prefix}_open`)).toBe(0);
});

test("what turns out to be of another kind, or no work, is corrected", async () => {
  const run = agentSpan("invoke_agent a");
  const [call, none, tool] = ["chat m", "chat room", "execute_tool x"].map((name) =>
    agentSpan(name, {}, run),
  );
  const says = (span: AgentSpan, operation: string) => ({
    ...span,
    attributes: { ...span.attributes, "gen_ai.operation.name": operation },
  });
  await post(tracesRequest("guesses", [open(run), open(call!), open(none!), open(tool!)]));
  await pageWhen("signals_total", { dialect: "live_span", result: "guessed" }, 4);
  await post(
    tracesRequest("guesses", [
      ended(says(call!, "execute_tool")),
      ended(none!),
      ended(says(run, "invoke_agent")),
    ]),
  );
  await pageWhen("corrected_total", { from: "model_call", to: "tool" }, 1);
  const page = await pageWhen("corrected_total", { from: "model_call", to: "none" }, 1);
  expect(page.sum(`${prefix}_corrected_total`)).toBe(2);
  const before = page.sum(`${prefix}_evicted_work_total`, { kind: "tool" });
  await pageWhen("evicted_work_total", { kind: "tool" }, before + 1);
});

test("after a restart the balance goes on, with what was open then", async () => {
  const { run, tools, call } = turn("over the restart");
  await post(tracesRequest("d", [open(run), ...tools.map(open), open(call)]));
  const before = await balanced();
  left = [...tools, call];
  expect((await collector.stop()).exitCode).toBe(0);
  collector = await start();
  const after = await balanced();
  for (const kind of kinds) {
    for (const what of ["started_total", "ended_total", "evicted_work_total", "open"]) {
      const of = (page: MetricsPage) => page.sum(`${prefix}_${what}`, { kind });
      expect(of(after), `${what} ${kind}`).toBe(of(before));
    }
  }
  await post(tracesRequest("d", [ended(run)]));
  await pageWhen("open", { kind: "tool" }, 0);
  await post(tracesRequest("d", left.map(ended)));
  await pageWhen(
    "reconciled_total",
    { kind: "model_call" },
    before.sum(`${prefix}_reconciled_total`, { kind: "model_call" }) + 1,
  );
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Long from "long";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { otlp } from "../../src/otlp/proto/generated.js";
import { agentSpan, keyValues, tracesRequest } from "../support/agent-spans.ts";
import { createCanaries } from "../support/canaries.ts";
import { evictionsIn, isDerived, markersOf, passedThrough } from "../support/derived-telemetry.ts";
import { scrape } from "../support/metrics-page.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type Ended, type RunningCollector, runCli, startCollector } from "../support/process.ts";

const protobuf = "application/x-protobuf";
const lateness = "processors::session_activity::allowed_lateness: 1s";

const canaries = createCanaries();
const { attributes: ids, mint } = canaries;

/** Ids where a label could come from: a session key, and what is no name at all. */
const inLabelPositions = {
  "gen_ai.tool.name": mint((token) => `agent:main:${token}`),
  "openclaw.channel": mint((token) => `telegram:agent:main:${token}`),
  "openclaw.outcome": mint(),
  "openclaw.harness.items.active": mint(),
};
const everything = { ...ids, ...inLabelPositions };

/** What a request that goes wrong is made of: where it is posted and what is said about it. */
interface Request {
  readonly path: string;
  readonly contentType: string;
  readonly body: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
}

const traces = (body: Uint8Array | string, contentType = protobuf): Request => ({
  path: "/v1/traces",
  contentType,
  body,
});

/**
 * Two turns, one with ids on every span and one with ids in the wrong places; each orphans a tool, and one of them another
 * whose start comes late.
 */
function turns(): {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  readonly late: Uint8Array;
} {
  const harness = agentSpan("openclaw.harness.run", everything);
  const run = agentSpan("openclaw.run", everything, harness);
  const tool = agentSpan("openclaw.tool.execution", everything, run);
  const call = agentSpan("openclaw.model.call", everything, run);
  const agent = agentSpan(mint(), { ...everything, "gen_ai.operation.name": "invoke_agent" });
  const execution = agentSpan(
    mint(),
    {
      ...ids,
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": mint((token) => `${token} is a sentence`),
      "openclaw.channel": mint((token) => token.repeat(7)),
    },
    agent,
  );
  const queued = agentSpan("openclaw.tool.execution", everything, run);
  const phantom = agentSpan("openclaw.tool.execution", inLabelPositions);
  const service = mint();
  const open = [harness, run, tool, agent, execution, phantom];
  for (const { traceId, spanId } of [...open, call, queued]) {
    canaries.add(traceId);
    canaries.add(spanId);
  }
  const endUnixMs = Date.now() + 10;
  return {
    start: tracesRequest(service, [
      ...open.map((span) => ({ span })),
      ...open.map((span) => ({ span })),
      { span: call, endUnixMs },
    ]),
    end: tracesRequest(
      service,
      [run, harness, agent].map((span) => ({ span, endUnixMs })),
    ),
    late: tracesRequest(service, [{ span: queued }, { span: tool, endUnixMs }]),
  };
}

const { start, end, late } = turns();

const logs = otlp.ExportLogsServiceRequest.encode({
  resourceLogs: [
    {
      resource: { attributes: keyValues(ids) },
      scopeLogs: [
        {
          logRecords: [
            { body: { stringValue: mint() }, eventName: mint(), attributes: keyValues(everything) },
          ],
        },
      ],
    },
  ],
}).finish();

const metrics = otlp.ExportMetricsServiceRequest.encode({
  resourceMetrics: [
    {
      resource: { attributes: keyValues(ids) },
      scopeMetrics: [
        {
          metrics: [
            {
              name: mint(),
              description: mint(),
              gauge: { dataPoints: [{ asDouble: 1, attributes: keyValues(everything) }] },
            },
          ],
        },
      ],
    },
  ],
}).finish();

const oneMalformed = otlp.ExportTraceServiceRequest.encode({
  resourceSpans: [
    {
      resource: { attributes: keyValues(ids) },
      scopeSpans: [
        {
          spans: [
            {
              traceId: new Uint8Array(16).fill(7),
              spanId: new Uint8Array(8).fill(7),
              name: mint(),
            },
            {
              traceId: new Uint8Array(3).fill(7),
              spanId: new Uint8Array(8).fill(8),
              name: mint(),
              attributes: keyValues(everything),
            },
          ],
        },
      ],
    },
  ],
}).finish();

const jsonSpan = { name: mint(), spanId: "b7ad6b7169203331", attributes: [{ key: mint() }] };
const json = (spans: readonly object[]) =>
  traces(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }), "application/json");

/** Requests that are refused, and the status of the answer. */
const refused: readonly (readonly [string, number, Request])[] = [
  ["a truncated body", 400, traces(start.subarray(0, start.length - 5))],
  ["text instead of protobuf", 400, traces(mint())],
  [
    "broken JSON",
    400,
    traces(`{"resourceSpans": [{"${mint()}": "${mint()}" oops`, "application/json"),
  ],
  ["JSON of the wrong shape", 400, traces(`{"resourceSpans": "${mint()}"}`, "application/json")],
  ["ids that are no ids in JSON", 200, json([{ ...jsonSpan, traceId: mint() }])],
  ["an unknown path", 404, { ...traces(start), path: `/v1/${mint()}?${mint()}` }],
  ["an unknown method", 405, { ...traces(start), method: "PUT" }],
  ["an unknown type", 415, traces(start, `application/${mint()}`)],
  ["an unknown encoding", 400, { ...traces(start), headers: { "content-encoding": mint() } }],
  ["a body that is not gzip", 400, { ...traces(start), headers: { "content-encoding": "gzip" } }],
];

describe("ids that came in", () => {
  let backend: OtlpSink;
  let collector: RunningCollector;
  let ended: Ended;
  const answers: { readonly what: string; readonly status: number; readonly said: string }[] = [];
  const pages: string[] = [];

  async function post(what: string, request: Request, status: number): Promise<void> {
    const { path, contentType, body, headers, method = "POST" } = request;
    const response = await fetch(`${collector.endpoints.otlp}${path}`, {
      method,
      headers: { "content-type": contentType, ...headers },
      body,
    });
    const head = [...response.headers].flat().join("\n");
    const said = `${head}\n${Buffer.from(await response.arrayBuffer()).toString("latin1")}`;
    answers.push({ what, status: response.status, said });
    expect(response.status, what).toBe(status);
  }

  beforeAll(async () => {
    backend = await openSink();
    collector = await startCollector({
      configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
      overrides: [
        lateness,
        "service::telemetry::logs::level: debug",
        // So that the sender gets what the backend answered.
        "exporters::otlp_http::sending_queue::enabled: false",
        "exporters::otlp_http::retry_on_failure::enabled: false",
        "service::pipelines::traces::exporters: [otlp_http]",
      ],
      env: { BACKEND_URL: backend.url },
    });
    await post("open spans", traces(start), 200);
    await post("logs", { path: "/v1/logs", contentType: protobuf, body: logs }, 200);
    await post("metrics", { path: "/v1/metrics", contentType: protobuf, body: metrics }, 200);
    await post("spans that end", traces(end), 200);
    await backend.until("both tools were evicted", (requests) =>
      markersOf(evictionsIn(requests)) >= 2 ? true : undefined,
    );
    await post("a late start and a late end", traces(late), 200);
    await backend.until("the late tool was evicted", (requests) =>
      markersOf(evictionsIn(requests)) >= 3 ? true : undefined,
    );
    await post("a malformed span", traces(oneMalformed), 200);
    for (const [what, status, request] of refused) {
      await post(what, request, status);
    }
    // A backend that quotes what it was sent, as some do.
    const echo = mint();
    for (const [status, toSender] of [
      [400, 500],
      [429, 429],
      [503, 503],
    ] as const) {
      backend.answer = {
        status,
        headers: { "x-quoted": mint() },
        body: () => otlp.RpcStatus.encode({ code: 3, message: echo }).finish(),
      };
      await post(`a backend that answers ${status}`, traces(end), toSender);
    }
    backend.answer = {
      status: 200,
      body: () =>
        otlp.ExportTraceServiceResponse.encode({
          partialSuccess: { rejectedSpans: Long.ONE, errorMessage: echo },
        }).finish(),
    };
    await post("a backend that takes only a part", traces(end), 200);
    pages.push(
      (await scrape(collector.endpoints.prometheus)).text,
      (await scrape(collector.endpoints.telemetry)).text,
    );
    ended = await collector.stop();
  });

  afterAll(async () => {
    await collector?.stop();
    await backend?.close();
  });

  const expectNone = (text: string, where: string) =>
    expect(canaries.foundIn(text), where).toEqual([]);

  test("go on to the backend in the user's own data", () => {
    const through = passedThrough(backend.requests)
      .map(({ bytes }) => Buffer.from(bytes).toString("latin1"))
      .join("");
    for (const value of Object.values(everything)) {
      expect(through).toContain(value);
    }
  });

  test("are in no event and in no metric that the backend is sent", () => {
    const derived = backend.requests.filter(isDerived);
    expect(new Set(derived.map(({ signal }) => signal))).toEqual(new Set(["logs", "metrics"]));
    expect(markersOf(evictionsIn(derived))).toBe(3);
    for (const { signal, bytes } of derived) {
      expectNone(Buffer.from(bytes).toString("latin1"), signal);
    }
  });

  test("are on neither page", () => {
    expect(pages[0]).toContain('evicted_total{reason="orphaned_no_owner"} 3\n');
    expect(pages[0]).toContain('reconciled_total{kind="tool"} 1\n');
    expect(pages[1]).toContain("otelcol_receiver_accepted_spans");
    expectNone(pages.join(""), "pages");
  });

  test("are in no answer, whatever was wrong", () => {
    expect(answers.length).toBe(refused.length + 10);
    for (const { what, said } of answers) {
      expectNone(said, what);
    }
  });

  test("are in no line of the log, at the level debug, and in nothing that is printed", () => {
    expect(ended.exitCode).toBe(0);
    expect(ended.stdout).toContain("session.activity.evicted");
    expect(ended.stderr).toContain("debug");
    expectNone(ended.stdout, "stdout");
    expectNone(ended.stderr, "stderr");
  });

  test("are in nothing that a replay of the same bodies prints", async () => {
    const folder = mkdtempSync(join(tmpdir(), "activity-collector-canary-"));
    try {
      const bodies = [
        ["traces", start],
        ["logs", logs],
        ["metrics", metrics],
        ["traces", end],
        ["traces", late],
        ["traces", oneMalformed],
        ...refused.map(([, , { body }]) => ["traces", body] as const),
      ] as const;
      const index = bodies.map(([signal, body], at) => {
        const id = String(at + 1).padStart(4, "0");
        const isText = typeof body === "string" && body.startsWith("{");
        writeFileSync(join(folder, `${id}-${signal}.${isText ? "json" : "bin"}`), body);
        // The late ones after the lateness.
        return JSON.stringify({ id, at: 1_795_000_000_000 + (at > 3 ? 5_000 : 0) + at, signal });
      });
      writeFileSync(join(folder, "index.jsonl"), `${index.join("\n")}\n`);
      const { exitCode, stdout, stderr } = await runCli([
        "replay",
        folder,
        "--config",
        "deploy/config.yaml",
        "--config",
        `yaml:${lateness}`,
        "--speed",
        "max",
      ]);
      expect(exitCode).toBe(0);
      expect(stdout).toContain("3 markers evicted");
      expect(stdout).toContain("Refused:");
      expectNone(stdout, "stdout");
      expectNone(stderr, "stderr");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

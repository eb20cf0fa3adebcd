import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { otlp } from "../../src/otlp/proto/generated.js";
import { sessionRef } from "../../src/privacy/session-ref.ts";
import {
  agentSpan,
  keyValues,
  orphanedTool,
  toNanos,
  tracesRequest,
} from "../support/agent-spans.ts";
import { createCanaries } from "../support/canaries.ts";
import { type CaptureName, captured, captureFolders } from "../support/captures.ts";
import { evictionsIn } from "../support/derived-telemetry.ts";
import { scrape } from "../support/metrics-page.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { send } from "../support/send.ts";

const key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const lateness = "processors::session_activity::allowed_lateness: 1s";

const canaries = createCanaries();
const { mint } = canaries;
const sessionKey = mint((token) => `agent:main:telegram:direct:${token}`);

/** What must not leave, by the attribute that has it. */
const secrets = {
  ...canaries.attributes,
  "openclaw.sessionKey": sessionKey,
  "user.email": mint((token) => `${token}@example.com`),
  "http.request.header.authorization": mint((token) => `Bearer ${token}`),
  "process.command_line": mint((token) => `openclaw --token ${token}`),
  "gen_ai.input.messages": mint((token) => `[{"role":"user","content":"${token}"}]`),
  "gen_ai.tool.call.arguments": mint((token) => `{"path":"${token}"}`),
  "error.message": mint((token) => `no answer of agent:main:x:${token}, retrying`),
  "url.full": mint((token) => `https://api.example.com/v1?api_key=${token}&x=1`),
};
const attributes = keyValues(secrets);

function traces(): Uint8Array {
  const run = agentSpan("openclaw.run", secrets);
  const tool = agentSpan("openclaw.tool.execution", secrets, run);
  return tracesRequest("gateway", [
    { span: run, endUnixMs: Date.now() + 5 },
    { span: tool, endUnixMs: Date.now() + 4 },
  ]);
}

function logs(): Uint8Array {
  return otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource: { attributes },
        scopeLogs: [
          {
            scope: { name: "openclaw", attributes },
            logRecords: [
              { body: { stringValue: mint((token) => `free text ${token}`) }, attributes },
            ],
          },
        ],
      },
    ],
  }).finish();
}

function metrics(): Uint8Array {
  const exemplars = [{ filteredAttributes: attributes, asDouble: 1 }];
  return otlp.ExportMetricsServiceRequest.encode({
    resourceMetrics: [
      {
        resource: { attributes },
        scopeMetrics: [
          {
            metrics: [
              { name: "x", gauge: { dataPoints: [{ asDouble: 1, attributes, exemplars }] } },
            ],
          },
        ],
      },
    ],
  }).finish();
}

describe("with deploy/config.private.yaml", () => {
  let backend: OtlpSink;
  let collector: RunningCollector;

  beforeAll(async () => {
    backend = await openSink();
    collector = await startCollector({
      configs: ["deploy/config.yaml", "deploy/config.forward.yaml", "deploy/config.private.yaml"],
      overrides: [lateness, "exporters::debug::verbosity: detailed"],
      env: { BACKEND_URL: backend.url, REDACTION_HMAC_KEY: key },
    });
  }, 60_000);

  afterAll(async () => {
    await collector?.stop();
    await backend?.close();
  });

  test("no id, secret or content of a sender reaches the backend, the debug exporter or a page", async () => {
    const { otlp: endpoint, prometheus, telemetry } = collector.endpoints;
    const bodies = [
      ["traces", traces()],
      ["logs", logs()],
      ["metrics", metrics()],
    ] as const;
    for (const [signal, body] of bodies) {
      expect(canaries.foundIn(Buffer.from(body).toString("latin1")).length).toBeGreaterThan(5);
      expect((await send(endpoint, signal, body)).status).toBe(200);
    }
    const ref = sessionRef(key, sessionKey);
    const arrived = await backend.until(
      "every signal has arrived with the hashed session key",
      (requests) => {
        const texts = (["traces", "logs", "metrics"] as const).map((signal) =>
          requests
            .filter((request) => request.signal === signal)
            .map(({ bytes }) => Buffer.from(bytes).toString("latin1"))
            .join("\n"),
        );
        return texts.every((text) => text.includes(ref)) ? texts : undefined;
      },
      30_000,
    );
    const pages = await Promise.all([prometheus, telemetry].map((url) => fetch(url)));
    const said = [
      ...arrived,
      ...(await Promise.all(pages.map((page) => page.text()))),
      collector.stdout(),
      collector.stderr(),
    ];
    expect(collector.stdout()).toContain(ref);
    expect(said.flatMap((text) => canaries.foundIn(text))).toEqual([]);
    const own = await scrape(telemetry);
    const hashed = own.sum("otelcol_processor_redaction_redacted_values", { rule: "openclaw/ids" });
    expect(hashed).toBeGreaterThan(10);
  }, 90_000);

  test("what OpenClaw sends is accepted, and its ids of messages and calls leave hashed", async () => {
    for (const name of captureFolders()) {
      for (const { signal, contentType, body } of captured(name as CaptureName)) {
        const { status } = await send(collector.endpoints.otlp, signal, body, {
          "content-type": contentType,
        });
        expect(status, `${name} ${signal}`).toBe(200);
      }
    }
    const text = await backend.until(
      "the tool call of a capture has arrived",
      (requests) => {
        const all = requests.map(({ bytes }) => Buffer.from(bytes).toString("latin1")).join("\n");
        return all.includes(sessionRef(key, "call_c1")) ? all : undefined;
      },
      30_000,
    );
    expect(text).not.toContain("call_c1");
    expect(text).not.toMatch(/process\.command_args|node_modules\/openclaw\/openclaw\.mjs.{0,9}--/);
  }, 90_000);

  test("the event of an orphan has the hash of its session, which its spans have, too", async () => {
    for (const body of orphanedTool("orphan", {
      "openclaw.sessionKey": sessionKey,
      "gen_ai.tool.name": "left-open",
    })) {
      expect((await send(collector.endpoints.otlp, "traces", body)).status).toBe(200);
    }
    const eviction = await backend.until(
      "the tool is evicted",
      (requests) =>
        evictionsIn(requests).find(({ attributes: of }) => of["gen_ai.tool.name"] === "left-open"),
      30_000,
    );
    expect(eviction.attributes["openclaw.session.ref"]).toBe(sessionRef(key, sessionKey));
  }, 90_000);
});

test("arrays of half a million texts neither end a collector with a small heap nor leave as they are", async () => {
  const backend = await openSink();
  const collector = await startCollector({
    configs: ["deploy/config.yaml", "deploy/config.forward.yaml", "deploy/config.private.yaml"],
    env: {
      BACKEND_URL: backend.url,
      REDACTION_HMAC_KEY: key,
      NODE_OPTIONS: "--max-old-space-size=140 --max-semi-space-size=16",
    },
  });
  try {
    const values = Array.from({ length: 500_000 }, () => ({ stringValue: "a" }));
    const list = { arrayValue: { values } };
    const names = ["session.id", "of.no.rule"];
    const body = otlp.ExportTraceServiceRequest.encode({
      resourceSpans: [
        {
          scopeSpans: names.map((name) => ({
            spans: [
              {
                ...{ traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 1), name },
                ...{ startTimeUnixNano: toNanos(1), endTimeUnixNano: toNanos(2) },
                attributes: [{ key: name, value: list }],
              },
            ],
          })),
        },
      ],
    }).finish();
    for (let round = 0; round < 3; round++) {
      expect((await send(collector.endpoints.otlp, "traces", body)).status).toBe(200);
    }
    const spans = await backend.until(
      "all have arrived",
      (requests) => {
        const all = requests.flatMap(({ signal, bytes }) =>
          signal === "traces" ? [otlp.ExportTraceServiceRequest.decode(bytes)] : [],
        );
        const found = all.flatMap(({ resourceSpans }) =>
          resourceSpans.flatMap(({ scopeSpans }) => scopeSpans!.flatMap((each) => each.spans!)),
        );
        return found.length === 6 ? found : undefined;
      },
      30_000,
    );
    for (const { name, attributes } of spans) {
      const text = attributes![0]!.value!.stringValue;
      expect(text).toMatch(name === "session.id" ? /^[0-9a-f]{12}$/ : /^\*{4}$/);
    }
  } finally {
    await collector.stop();
    await backend.close();
  }
}, 120_000);

test("an unset key is an error that says what to do", async () => {
  await expect(
    startCollector({
      configs: ["deploy/config.yaml", "deploy/config.private.yaml"],
      env: { REDACTION_HMAC_KEY: "" },
    }),
  ).rejects.toThrow(/hmac_key.*openssl rand -hex 32/s);
});

describe("session_activity evicts the same", () => {
  for (const [name, order] of [
    ["before redaction", "[session_activity, redaction]"],
    ["after it", "[redaction, session_activity]"],
  ] as const) {
    test(`when it is ${name}`, async () => {
      const backend = await openSink();
      const collector = await startCollector({
        configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
        overrides: [
          lateness,
          `processors::redaction: {allow_all_keys: true, hmac_key: "${key}", presets: [openclaw]}`,
          `service::pipelines::traces::processors: ${order}`,
        ],
        env: { BACKEND_URL: backend.url },
      });
      try {
        // One session by its key: the second run holds the tool of the first, until it ends as well.
        const session = { "openclaw.sessionKey": sessionKey };
        const first = agentSpan("openclaw.run", session);
        const tool = agentSpan("openclaw.tool.execution", { "gen_ai.tool.name": "bash" }, first);
        const second = agentSpan("openclaw.run", session);
        const post = async (body: Uint8Array) => {
          expect((await send(collector.endpoints.otlp, "traces", body)).status).toBe(200);
        };
        await post(tracesRequest("gateway", [{ span: first }, { span: tool }, { span: second }]));
        await post(tracesRequest("gateway", [{ span: first, endUnixMs: Date.now() + 1 }]));
        // Deadlines are decided in their order, so an orphan that came later proves that the first run's is past.
        for (const body of orphanedTool("witness", { "gen_ai.tool.name": "witness" })) {
          await post(body);
        }
        const evictionOf = (tool: string) =>
          backend.until(
            `${tool} is evicted`,
            (requests) =>
              evictionsIn(requests).find(({ attributes: of }) => of["gen_ai.tool.name"] === tool),
            30_000,
          );
        await evictionOf("witness");
        expect(evictionsIn(backend.requests)).toHaveLength(1);
        await post(tracesRequest("gateway", [{ span: second, endUnixMs: Date.now() + 1 }]));
        await evictionOf("bash");
      } finally {
        await collector.stop();
        await backend.close();
      }
    }, 90_000);
  }
});

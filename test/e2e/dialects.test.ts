import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import { agentSpan, orphanedTool, tracesRequest } from "../support/agent-spans.ts";
import { createCanaries } from "../support/canaries.ts";
import {
  type DerivedEvent,
  evictionsIn,
  isDerived,
  passedThrough,
} from "../support/derived-telemetry.ts";
import { type MetricsPage, scrape } from "../support/metrics-page.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { until } from "../support/prometheus.ts";
import { textOf } from "../support/repository.ts";
import { send } from "../support/send.ts";
import { fallSilent, familiesOf, type Sender } from "./dialect-families.ts";

/** Keys of the attributes, at any depth, whose values are ids of the sender's. */
const idKeys =
  /^(session\.id|gen_ai\.conversation\.id|gen_ai\.tool\.call\.id|gen_ai\.agent\.pause\.id|openclaw\.(sessionKey|sessionId|runId|toolCallId|chatId|messageId))$/;
const canaries = createCanaries();
const families = familiesOf(canaries.attributes);
const witness = "witness";

interface Posted {
  readonly signal: Signal;
  readonly body: Uint8Array;
}

describe("every way to tell of work, posted to the real process", () => {
  let backend: OtlpSink;
  let collector: RunningCollector;
  let directory = "";
  let posted: Posted[] = [];
  let witnesses = 0;
  let silentTrace = "";

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "activity-dialects-"));
    backend = await openSink();
    collector = await startCollector({
      configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
      overrides: [
        "processors::session_activity::allowed_lateness: 1s",
        "service::telemetry::logs::level: debug",
      ],
      directory,
      env: { BACKEND_URL: backend.url },
    });
    // Its lease is half a minute, in which the others have their turn.
    const post: Sender["post"] = (signal, body) => postTo([], signal, body);
    silentTrace = await fallSilent({ post }, canaries.attributes);
    watchEvents(textOf("test/testdata/openclaw/events-9x.jsonl"));
  });

  afterAll(async () => {
    await collector?.stop();
    await backend?.close();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  async function postTo(list: Posted[], signal: Signal, body: Uint8Array): Promise<void> {
    list.push({ signal, body });
    for (const { key, value } of itemsOf([{ signal, body }]).flatMap(
      (item) => item.attributes ?? [],
    )) {
      if (idKeys.test(key ?? "") && value?.stringValue) {
        canaries.watch(value.stringValue);
      }
    }
    const { status } = await send(collector.endpoints.otlp, signal, body);
    expect(status).toBe(200);
  }

  /** Deadlines are decided in their order, so when the orphan that came last is evicted all before it are. */
  async function untilDecided(): Promise<void> {
    const tool = `${witness}_${++witnesses}`;
    for (const body of orphanedTool(witness, { "gen_ai.tool.name": tool })) {
      expect((await send(collector.endpoints.otlp, "traces", body)).status).toBe(200);
    }
    await backend.until(`${tool} was evicted`, (requests) =>
      evictionsIn(requests).find(({ attributes }) => attributes["gen_ai.tool.name"] === tool),
    );
  }

  const sender = (): Sender => ({
    endpoint: collector.endpoints.otlp,
    post: (signal, body) => postTo(posted, signal, body),
    untilDecided,
    value: async (series, labels) =>
      (await scrape(collector.endpoints.prometheus)).sum(series, labels),
  });

  for (const { name, bytes, dialect, send: sendAll, signals, evicted, consumes } of families) {
    test(`${name} (${bytes})`, async () => {
      const before = await scrape(collector.endpoints.prometheus);
      const from = backend.requests.length;
      const isWitness = isOf(witness);
      posted = [];
      await sendAll(sender());
      await untilDecided();

      const after = await scrape(collector.endpoints.prometheus);
      const arrived = backend.requests.slice(from);
      const told = evictionsIn(arrived).filter((event) => !isWitnessed(event));
      expect(
        told.map(({ attributes }) => [
          attributes["openclaw.reason"],
          attributes["openclaw.confidence"],
          attributes["gen_ai.tool.name"],
        ]),
      ).toEqual(evicted);
      const ofWitnesses =
        dialect === "live_span" ? { started: 2 } : dialect === "span" ? { ended: 1 } : {};
      expect(resultsOf(dialect, before, after)).toEqual(plus(signals, ofWitnesses));

      const passed = passedThrough(arrived).map(({ signal, bytes }) => ({ signal, body: bytes }));
      if (posted.length > 0) {
        const wanted = itemsOf(posted).filter((item) => !consumes(item));
        const got = itemsOf(passed.filter((request) => !isWitness(request)));
        expect(got).toEqual(wanted);
      } else {
        // The relay posts by itself. Nothing of its spans goes on, neither starts nor ends.
        expect(
          passed.filter(({ signal }) => signal === "traces").filter((r) => !isWitness(r)),
        ).toEqual([]);
      }
    });
  }

  test("S5, heartbeats that stop, so that the lease of a tool runs out (made)", {
    timeout: 90_000,
  }, async () => {
    const beat = agentSpan("openclaw.run");
    const found = () =>
      evictionsIn(backend.requests).filter(({ traceId }) => traceId === silentTrace);
    // As long as nothing at all is heard, one silence means nothing.
    await until("the lease ran out", 80_000, async () => {
      await send(collector.endpoints.otlp, "traces", tracesRequest("beat", [{ span: beat }]));
      return found().length > 0;
    });
    expect(
      found().map(({ attributes }) => [
        attributes["openclaw.reason"],
        attributes["openclaw.confidence"],
        attributes["gen_ai.tool.name"],
      ]),
    ).toEqual([["lease_expired", "probable", "silent_tool"]]);
  });

  test("the balance holds, and nothing is left open but what goes on", async () => {
    const page = await scrape(collector.endpoints.prometheus);
    const of = (what: string, kind: string) =>
      page.sum(`openclaw_session_activity_${what}`, { kind });
    for (const kind of ["tool", "model_call"]) {
      expect(of("open", kind), kind).toBe(0);
    }
    const evictedMarkers = page.sum("openclaw_session_activity_evicted_total");
    const sum = (what: string) => of(what, "tool") + of(what, "model_call");
    expect(sum("started_total")).toBe(sum("ended_total") + evictedMarkers + sum("untracked_total"));
    expect(evictedMarkers).toBe(families.flatMap(({ evicted }) => evicted).length + witnesses + 1);
  });

  test("no id of a sender is on a page, in an event, in the log or in what is stored", async () => {
    const pages = [
      (await scrape(collector.endpoints.prometheus)).text,
      (await scrape(collector.endpoints.telemetry)).text,
    ];
    const { exitCode, stdout, stderr } = await collector.stop();
    expect(exitCode).toBe(0);
    const stored = filesIn(directory).map((file) => readFileSync(file, "latin1"));
    expect(stored.join("").length).toBeGreaterThan(10_000);
    const derived = backend.requests
      .filter(isDerived)
      .map(({ bytes }) => Buffer.from(bytes).toString("latin1"));
    for (const [where, texts] of Object.entries({
      pages,
      derived,
      stored,
      printed: [stdout, stderr],
    })) {
      expect(canaries.foundIn(texts.join("\n")), where).toEqual([]);
    }
    // They were there to be leaked.
    const through = passedThrough(backend.requests).map(({ bytes }) =>
      Buffer.from(bytes).toString("latin1"),
    );
    expect(canaries.foundIn(through.join("\n")).length).toBeGreaterThan(5);
  });

  function isWitnessed({ attributes }: DerivedEvent): boolean {
    return String(attributes["gen_ai.tool.name"]).startsWith(witness);
  }
});

/** Every id in the events of a gateway. */
function watchEvents(events: string): void {
  for (const [, id = ""] of events.matchAll(
    /"(?:sessionKey|sessionId|runId|callId|toolCallId)":"([^"]+)"/g,
  )) {
    canaries.watch(id);
  }
}

function isOf(service: string) {
  return ({ body }: Posted) => Buffer.from(body).includes(service);
}

type Item = otlp.Span.$Properties & otlp.LogRecord.$Properties;

/** The spans and log records of requests, in order. */
function itemsOf(requests: readonly Posted[]): readonly Item[] {
  return requests.flatMap(({ signal, body }): readonly Item[] =>
    signal === "traces"
      ? otlp.ExportTraceServiceRequest.decode(body).resourceSpans.flatMap(({ scopeSpans }) =>
          scopeSpans!.flatMap(({ spans }) => spans! as Item[]),
        )
      : otlp.ExportLogsServiceRequest.decode(body).resourceLogs.flatMap(({ scopeLogs }) =>
          scopeLogs!.flatMap(({ logRecords }) => logRecords! as Item[]),
        ),
  );
}

/** What became of the signals of a dialect between two looks at the page. */
function resultsOf(
  dialect: string,
  before: MetricsPage,
  after: MetricsPage,
): Record<string, number> {
  const results = [...after.text.matchAll(/signals_total\{dialect="(\w+)",result="(\w+)"\}/g)]
    .filter(([, of]) => of === dialect)
    .map(([, , result = ""]) => result);
  const value = (page: MetricsPage, result: string) =>
    page.sum("openclaw_session_activity_signals_total", { dialect, result });
  return Object.fromEntries(
    results
      .map((result) => [result, value(after, result) - value(before, result)] as const)
      .filter(([, number]) => number !== 0),
  );
}

function plus(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>) {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...keys].map((key) => [key, (a[key] ?? 0) + (b[key] ?? 0)]));
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

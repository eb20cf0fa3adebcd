import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { describe, expect, test } from "vitest";
import { kindNames } from "../../src/activity/model/work.ts";
import { SpanClassifier } from "../../src/activity/recognition/span-classifier.ts";
import { attributeRules, nameRules } from "../../src/activity/recognition/work-spans.ts";
import { KeySet } from "../../src/otlp/keys.ts";
import { SpanBatch } from "../../src/otlp/span-batch.ts";
import { scanSpans } from "../../src/otlp/span-scanner.ts";
import { classOf, hasSessionReference } from "../../src/preload/span-kind.ts";

type Case = readonly [
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  scope?: string,
];

/** How the preload classifies the span, as a root. */
function kindAtTheStart([name, attributes, scope = "test"]: Case): string {
  return kindNames[classOf({ name, attributes, scope, isRoot: true }).kind];
}

/** What the collector's own classifier makes of the span when it arrives. */
function kindAtTheCollector([name, attributes, scope = "test"]: Case): string {
  const exporter = new InMemorySpanExporter();
  new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
    .getTracer(scope)
    .startSpan(name, { attributes })
    .end();
  const bytes = ProtobufTraceSerializer.serializeRequest(exporter.getFinishedSpans());
  const classifier = new SpanClassifier();
  const keys = new KeySet(classifier.keys);
  classifier.bind(keys.names);
  const batch = new SpanBatch();
  scanSpans(bytes!, { span: keys, resource: new KeySet([]) }, batch);
  return kindNames[classifier.classify(batch, 0, true).kind];
}

const known: readonly Case[] = [
  ...attributeRules.flatMap(({ key, values }) =>
    Object.keys(values).map((value): Case => ["some span", { [key]: value }]),
  ),
  ...nameRules.map(({ name, scope }): Case => [name, {}, scope ?? "test"]),
];

const odd: readonly (readonly [
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  kind: string,
])[] = [
  ["GET /", { "http.request.method": "GET" }, "other"],
  ["plan", { "gen_ai.operation.name": "plan" }, "other"],
  ["toString", { "gen_ai.operation.name": "constructor" }, "other"],
  ["toString", {}, "other"],
  ["openclaw.model.usage", { "gen_ai.operation.name": "chat" }, "other"],
  [
    "openclaw.model.call",
    { "gen_ai.operation.name": "invoke_agent", "openclaw.api": "x" },
    "model_call",
  ],
  ["a", { "gen_ai.operation.name": "execute_tool", "openinference.span.kind": "AGENT" }, "tool"],
  ["a", { "openinference.span.kind": "AGENT", "gen_ai.operation.name": "execute_tool" }, "tool"],
  ["openclaw.run", { "gen_ai.operation.name": "plan" }, "other"],
  ["openclaw.run", { "gen_ai.operation.name": 7 }, "run"],
  ["agent run", {}, "other"],
  ["claude_code.tool.execution", { "gen_ai.operation.name": "execute_tool" }, "other"],
  ["a", { "gen_ai.operation.name": "chat", "langsmith.span.kind": "prompt" }, "other"],
];

describe("the kind of a span at its start", () => {
  test("there are cases for every rule of the collector", () => {
    expect(known.length).toBeGreaterThan(30);
  });

  for (const span of known) {
    test(`${JSON.stringify(span)} is classified as the collector will classify it`, () => {
      const kind = kindAtTheStart(span);
      expect(kind).toBe(kindAtTheCollector(span));
      expect(kind).not.toBe("other");
    });
  }

  test("what is a turn as a root is a step below another span", () => {
    const chain = { name: "tools", attributes: { "openinference.span.kind": "CHAIN" }, scope: "a" };
    expect(kindNames[classOf({ ...chain, isRoot: true }).kind]).toBe("run");
    expect(kindNames[classOf({ ...chain, isRoot: false }).kind]).toBe("other");
  });

  for (const [name, attributes, kind] of odd) {
    test(`${name} ${JSON.stringify(attributes)} is ${kind}, here and at the collector`, () => {
      expect(kindAtTheStart([name, attributes])).toBe(kind);
      expect(kindAtTheCollector([name, attributes])).toBe(kind);
    });
  }
});

test("a session is known by any of its references", () => {
  expect(hasSessionReference({ "gen_ai.conversation.id": "c" })).toBe(true);
  expect(hasSessionReference({ "openclaw.sessionKey": "k" })).toBe(true);
  expect(hasSessionReference({ "user.id": "u" })).toBe(false);
  expect(hasSessionReference({ "session.id": 7 })).toBe(true);
  expect(hasSessionReference({ "session.id": "None" })).toBe(false);
  expect(hasSessionReference({ "session.id": true, "gen_ai.conversation.id": " " })).toBe(false);
});

import { randomBytes } from "node:crypto";

/** The spans that an OpenClaw gateway creates for one turn. The run belongs to the harness run, the rest to the run. */
const names = {
  harness: "openclaw.harness.run",
  run: "openclaw.run",
  model: "openclaw.model.call",
  tool: "openclaw.tool.execution",
} as const;
export type Part = keyof typeof names;
const parentOf: Readonly<Record<Part, Part | undefined>> = {
  harness: undefined,
  run: "harness",
  model: "run",
  tool: "run",
};

type Attributes = Readonly<Record<string, string>>;

/** One turn of one session, as a gateway reports it over OTLP/HTTP. */
export interface Turn {
  /** Texts that must never appear in any output of the collector. */
  readonly secrets: readonly string[];
  /** Reports the start of these parts: spans without an end ("live spans"). */
  start(...parts: readonly Part[]): Promise<void>;
  /** Reports the end of these parts: the finished spans, as every OpenTelemetry SDK exports them. */
  end(parts: readonly Part[], outcome?: string): Promise<void>;
}

/** Begins a turn in which the agent calls `tool`. Spans go to `endpoint` as OTLP JSON. */
export function beginTurn(endpoint: string, tool: string): Turn {
  const traceId = hex(16);
  const sessionKey = `agent:main:webchat:direct:${hex(6)}`;
  const toolCallId = `toolu_${hex(8)}`;
  const spanIds: Record<Part, string> = {
    harness: hex(8),
    run: hex(8),
    model: hex(8),
    tool: hex(8),
  };
  const startNs = new Map<Part, bigint>();
  const model = { "openclaw.provider": "anthropic", "openclaw.model": "claude-sonnet-4-5" };
  const attributes: Readonly<Record<Part, Attributes>> = {
    harness: {
      ...model,
      "openclaw.harness.id": "openclaw",
      "openclaw.channel": "webchat",
      "openclaw.sessionKey": sessionKey,
    },
    run: { ...model, "openclaw.channel": "webchat", "openclaw.trigger": "user" },
    model: {
      ...model,
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "claude-sonnet-4-5",
      "openclaw.api": "anthropic-messages",
    },
    tool: {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": tool,
      "gen_ai.tool.call.id": toolCallId,
      "openclaw.toolName": tool,
    },
  };

  const spanOf = (part: Part, more: Attributes, endNs?: bigint) => {
    const parent = parentOf[part];
    return {
      traceId,
      spanId: spanIds[part],
      ...(parent === undefined ? {} : { parentSpanId: spanIds[parent] }),
      name: names[part],
      kind: part === "model" ? 3 : 1,
      startTimeUnixNano: String(startNs.get(part)),
      ...(endNs === undefined ? {} : { endTimeUnixNano: String(endNs) }),
      attributes: toKeyValues({ ...attributes[part], ...more }),
    };
  };
  return {
    secrets: [sessionKey, toolCallId],
    async start(...parts) {
      for (const part of parts) {
        startNs.set(part, nowNs());
      }
      await post(
        endpoint,
        parts.map((part) => spanOf(part, {})),
      );
    },
    async end(parts, outcome) {
      await post(
        endpoint,
        parts.map((part) =>
          spanOf(part, outcome === undefined ? {} : { "openclaw.outcome": outcome }, nowNs()),
        ),
      );
    },
  };
}

async function post(endpoint: string, spans: readonly object[]): Promise<void> {
  const resource = { "service.name": "openclaw", "host.id": "demo-host", "process.pid": "4711" };
  const response = await fetch(`${endpoint}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      resourceSpans: [
        {
          resource: { attributes: toKeyValues(resource) },
          scopeSpans: [{ scope: { name: "openclaw" }, spans }],
        },
      ],
    }),
  });
  if (response.status !== 200) {
    throw new Error(`The collector answered ${response.status}: ${await response.text()}`);
  }
}

function toKeyValues(attributes: Attributes) {
  return Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

function hex(bytes: number): string {
  return randomBytes(bytes).toString("hex");
}

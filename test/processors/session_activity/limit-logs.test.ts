import { expect, test } from "vitest";
import { accepted } from "../../../src/component/consumer.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { schema } from "../../../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../../../src/processors/session_activity/processor.ts";
import { testSettings } from "../../exporters/settings.ts";
import { keyValues } from "../../support/agent-spans.ts";

interface Sender {
  readonly process: number;
  readonly tool: number;
}

/** The log after each sender has started a tool. */
async function logAfter(senders: readonly Sender[]) {
  const { settings, log } = testSettings("session_activity");
  const component = createSessionActivity(settings, schema.parse({}));
  const input = component.processor!.wrap("traces", { consume: async () => accepted });
  const bytes = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: senders.map(({ process, tool }, at) => ({
      resource: {
        attributes: keyValues({ "service.name": "agent", "service.instance.id": `${process}` }),
      },
      scopeSpans: [
        {
          spans: [
            {
              traceId: new Uint8Array(16).fill(1),
              spanId: Buffer.from((at + 1).toString(16).padStart(16, "0"), "hex"),
              name: "openclaw.tool.execution",
              attributes: keyValues({ "gen_ai.tool.name": `tool${tool}` }),
            },
          ],
        },
      ],
    })),
  }).finish();
  await input.consume({ signal: "traces", bytes, items: senders.length });
  return log;
}

const sendersOf = (count: number, of: (at: number) => Sender) =>
  Array.from({ length: count }, (_, at) => of(at));

for (const [title, senders, want] of [
  ["1 000 tool names are within the limit", sendersOf(1_000, (tool) => ({ tool, process: 1 })), []],
  [
    "more tool names are logged once",
    sendersOf(1_002, (tool) => ({ tool, process: 1 })),
    [
      {
        level: "warn",
        message: "The limit of tool names is reached. New names are reported as other.",
        fields: { limit: 1_000, shown_as: "other" },
      },
    ],
  ],
  [
    "more processes than 10 000 are logged once",
    sendersOf(10_002, (process) => ({ tool: 1, process })),
    [
      {
        level: "warn",
        message: "The limit of processes is reached. Work of new processes is untracked.",
        fields: { limit: 10_000 },
      },
    ],
  ],
] as const) {
  test(title, async () => {
    expect(await logAfter(senders)).toEqual(want);
  });
}

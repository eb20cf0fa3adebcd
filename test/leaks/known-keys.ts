import { readdirSync, readFileSync } from "node:fs";
import { type Framework, frameworks } from "../../src/activity/recognition/frameworks.ts";
import { pathOf } from "../support/repository.ts";

/** Attributes whose values may become labels or texts of events, if they look like a name. */
export const labelKeys: ReadonlySet<string> = new Set([
  ...Object.values<Framework>(frameworks).flatMap(({ toolNames = [], agentNames = [] }) => [
    ...toolNames,
    ...agentNames,
  ]),
  "openclaw.channel",
  "openclaw.outcome",
  "service.name",
  "service.namespace",
  "service.version",
]);

/** Attributes that say what a span or a record is: with another value they have no effect. */
export const classifyingKeys: ReadonlySet<string> = new Set([
  ...Object.values<Framework>(frameworks).flatMap(({ attributes = [] }) =>
    attributes.map(({ key }) => key),
  ),
  "_dd.partial_version",
  "_dd.was_long_running",
  "logfire.span_type",
  "partial.event",
  "partial.frequency",
  "partial.body.type",
  "span.state",
  "log.body.type",
  "entity.type",
]);

/** Every attribute that the source code names: what is in quotes and has the form of one. */
export function keysInSource(): readonly string[] {
  const keys = new Set<string>();
  const folder = pathOf("src");
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (file.endsWith(".ts")) {
      const text = readFileSync(`${folder}/${file}`, "utf8");
      for (const [, key = ""] of text.matchAll(/"([A-Za-z_][\w-]*(?:[.:][A-Za-z_][\w-]*)+)"/g)) {
        keys.add(key);
      }
    }
  }
  return [...keys].filter((key) => !/\.(?:ts|js|json|proto|yaml|md)$/.test(key)).sort();
}

/** Keys under which senders put ids, beside those in the source. */
export const idKeys = [
  "openclaw.sessionKey",
  "openclaw.sessionId",
  "openclaw.runId",
  "openclaw.toolCallId",
  "openclaw.chatId",
  "openclaw.messageId",
  "gen_ai.tool.call.id",
  "gen_ai.response.id",
  "gen_ai.agent.id",
  "session.id",
  "conversation.id",
  "thread.id",
  "user.id",
  "enduser.id",
  "message.id",
  "chat_id",
  "run_id",
  "tool_call_id",
  "http.request.header.authorization",
  "url.full",
];

import { workKeys } from "../activity/recognition/span-attribute-reader.ts";
import {
  type IndexedPart,
  indexedPartOf,
  toolCallContentKeys,
} from "../activity/recognition/tool-call-reader.ts";
import {
  agentNames,
  attributeRules,
  modelCallAttributes,
  sessionReferences,
  signalKey,
  toolCallIds,
  toolNames,
} from "../activity/recognition/work-spans.ts";

/** What a recording keeps of an attribute. */
export type KeptAs =
  /** One of few words, as long as it looks like one; numbers, true and false. */
  | "word"
  /** A number, also as a short text of digits. */
  | "number"
  /** A name that may become a label. What is none is hashed. */
  | "name"
  /** An id, hashed. */
  | "id"
  /** Of messages only which tool calls they have, with hashed ids. */
  | "content";

/** An attribute of which something is kept. */
export interface KeptAttribute {
  readonly as: KeptAs;
  /** The key to record: one that is known here, without parts of the sender's choice. */
  readonly key: string;
}

/** The attributes by which processes are distinguished. */
const processIds = ["host.id", "host.name", "service.instance.id", "entity.id"];

/** What senders of live work put on their spans and records. */
const dialectWords = [
  "entity.type",
  "event.name",
  "log.body.type",
  "logfire.pending_parent_id",
  "logfire.span_type",
  signalKey,
  "openclaw.activeWorkKind",
  "openclaw.reason",
  "openclaw.state",
  "openclaw.status",
  "partial.body.type",
  "partial.event",
  "partial.frequency",
  "span.state",
];

const numbers = [
  "_dd.partial_version",
  "_dd.was_long_running",
  "entity.report.interval",
  "openclaw.evictedModelCalls",
  "openclaw.evictedTools",
  "openclaw.queueDepth",
  "openclaw.seq",
  "process.pid",
];

const otherIds = [
  "session.id",
  "session.previous_id",
  "gen_ai.agent.pause.id",
  "openclaw.runId",
  "openclaw.toolCallId",
  "openclaw.sessionKey",
  "openclaw.sessionId",
];
const otherNames = ["service.name", "service.namespace", "openclaw.channel"];

/** Numbers of messages are short; a longer one could be an id. */
const longNumber = /\d{5}/;

/** With numbers in their keys: the calls that a model asked for, and their results. */
const indexedParts: Readonly<Record<IndexedPart["part"], KeptAs>> = {
  id: "id",
  name: "name",
  answer: "id",
  result: "content",
};

/** Of which keys a recording keeps what. All other attributes are left out. */
export class CaptureKeys {
  readonly #kept = new Map<string, KeptAttribute>();

  /** `own` are those that the user's config names, for sessions and for kinds of work. */
  constructor(own: { readonly sessions: readonly string[]; readonly work: readonly string[] }) {
    const add = (keys: readonly string[], as: KeptAs) => {
      for (const key of keys) {
        this.#kept.set(key, { as, key });
      }
    };
    add(workKeys, "word");
    add([...attributeRules.map(({ key }) => key), ...modelCallAttributes, ...dialectWords], "word");
    add(numbers, "number");
    add(own.work, "word");
    add([...toolNames, ...agentNames, ...otherNames], "name");
    add(toolCallContentKeys, "content");
    add([...sessionReferences, ...toolCallIds, ...processIds, ...otherIds, ...own.sessions], "id");
  }

  /** `undefined`: nothing. */
  keptOf(key: string): KeptAttribute | undefined {
    const indexed = indexedPartOf(key);
    if (indexed === undefined) {
      return this.#kept.get(key);
    }
    return longNumber.test(key) ? undefined : { as: indexedParts[indexed.part], key: indexed.key };
  }
}

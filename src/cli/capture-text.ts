import { createHmac } from "node:crypto";
import {
  attributeRules,
  nameRules,
  notWorkEndings,
  notWorkNames,
} from "../activity/recognition/work-spans.ts";
import { hasIdInPath, hasIdShape } from "../metrics/id-shape.ts";
import { sessionRef } from "../privacy/session-ref.ts";

/** One in a few thousand random ids has such a part, and is hashed then, which changes nothing. */
const textRun = /[0-9A-Za-z_:.-]{6}/;
const word = /^[A-Za-z0-9_.:@/{}!+-]{1,80}$/;
/** Of hashed names; those of labels have no such signs, so it is none, as what it stands for was none. */
const mark = (hash: string) => `<${hash}>`;
/** Messages of a model are long; beyond this, and beyond this depth, nothing of them is kept. */
const maxContentLength = 4 * 1024 * 1024;
const maxDepth = 12;

/** Those of Logfire are templates. */
const knownNames = new Set([...notWorkNames, ...nameRules.map(({ name }) => name)]);
/** What a name of a span begins with, such as `execute_tool search`. */
const operations = new Set([
  ...attributeRules.flatMap(({ values }) => Object.keys(values)),
  "running",
  "agent",
]);

/** In the parts of messages: what says who calls what. */
const idFields =
  /^(?:id|call_id|callId|tool_call_id|toolCallId|tool_use_id|toolUseId|response_id)$/;
const nameFields =
  /^(?:name|toolName|tool_name|role|type|part_kind|kind|finish_reason|event\.name)$/;
const flagFields = /^(?:providerExecuted|builtin|invalid|is_error|isError|dynamic|approved|index)$/;
/** What is in an answer matters not, only that there is one. */
const emptied = /^(?:content|text|result|output|response|arguments|args|input|thinking|reasoning)$/;

/**
 * Makes texts of senders fit to be given away. The same text always becomes the same, under a key that is new for each recording, so that
 * what belongs together still does.
 */
export class CaptureText {
  readonly #key: Uint8Array;
  hashedTexts = 0;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  id(text: string): string {
    this.hashedTexts += 1;
    return sessionRef(this.#key, text);
  }

  /**
   * A trace or span id as it is; one that is text, as from a sender that puts its own ids there, hashed to the same length.
   */
  idBytes(bytes: Uint8Array): Uint8Array {
    return textRun.test(Buffer.from(bytes).toString("latin1"))
      ? createHmac("sha256", this.#key).update(bytes).digest().subarray(0, bytes.length)
      : bytes;
  }

  /** One of few words; undefined if it looks like something else. */
  word(text: string): string | undefined {
    return word.test(text) && !hasIdShape(text) && !hasIdInPath(text) ? text : undefined;
  }

  /** A name if it is one, else a hash that is none. */
  name(text: string): string {
    return text === "" ? "" : (this.word(text) ?? mark(this.id(text)));
  }

  /** The name of a span: a known one, one word that is a name, or what is done and a name behind it. The rest is hashed. */
  spanName(text: string): string {
    if (knownNames.has(text) || text === "") {
      return text;
    }
    const [first = "", ...rest] = text.split(" ");
    if (rest.length > 0 && operations.has(first)) {
      return `${first} ${this.name(rest.join(" "))}`;
    }
    const ending = notWorkEndings.find((each) => text.endsWith(each)) ?? "";
    return this.name(text.slice(0, text.length - ending.length)) + ending;
  }

  /** The structure of messages in JSON; undefined if it is no JSON. */
  structure(text: string): string | undefined {
    if (text.length > maxContentLength) {
      return undefined;
    }
    try {
      return JSON.stringify(this.#structureOf(JSON.parse(text), 0));
    } catch {
      return undefined;
    }
  }

  #structureOf(value: unknown, depth: number): unknown {
    if (typeof value === "string") {
      // Some put JSON into JSON.
      return /^\s*[[{]/.test(value) ? (this.structure(value) ?? "") : "";
    }
    if (typeof value !== "object" || value === null || depth > maxDepth) {
      return null;
    }
    if (Array.isArray(value)) {
      return value.map((each: unknown) => this.#structureOf(each, depth + 1));
    }
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
        if (typeof inner === "string" && idFields.test(key)) {
          return [[key, inner === "" ? "" : this.id(inner)]];
        }
        if (typeof inner === "string" && nameFields.test(key)) {
          return [[key, this.name(inner)]];
        }
        if (flagFields.test(key)) {
          return typeof inner === "boolean" || typeof inner === "number" ? [[key, inner]] : [];
        }
        const isKnown = emptied.test(key) || this.word(key) !== undefined;
        return isKnown ? [[key, this.#structureOf(inner, depth + 1)]] : [];
      }),
    );
  }
}

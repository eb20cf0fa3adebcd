import { createHmac } from "node:crypto";
import { mastraNames, operationNames } from "../activity/recognition/operation-names.ts";
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
/** Those of Logfire are templates. */
const knownNames = new Set([...notWorkNames, ...nameRules.map(({ name }) => name)]);
/** A name as Mastra's bridge has it. */
const kindAndName = /^([a-z_ ]{1,20}): '(.+)'$/;
/** What a name of a span begins with, such as `execute_tool search`. */
const operations = new Set([
  ...attributeRules.flatMap(({ values }) => Object.keys(values)),
  ...Object.keys(operationNames),
  "running",
  "agent",
]);

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
    const [, kind = "", name = ""] = kindAndName.exec(text) ?? [];
    if (Object.hasOwn(mastraNames, kind)) {
      return `${kind}: '${this.name(name)}'`;
    }
    const [first = "", ...rest] = text.split(" ");
    if (rest.length > 0 && operations.has(first)) {
      return `${first} ${this.name(rest.join(" "))}`;
    }
    const ending = notWorkEndings.find((each) => text.endsWith(each)) ?? "";
    return this.name(text.slice(0, text.length - ending.length)) + ending;
  }
}

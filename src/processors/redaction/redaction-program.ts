import { sessionRef } from "../../privacy/session-ref.ts";
import { CollectorLists } from "./collector-lists.ts";
import type { Config } from "./config.ts";
import { FoundRanges } from "./found-ranges.ts";
import { everything, type InnerRules, innerRulesOf } from "./inner-rules.ts";
import { KeyCache } from "./key-cache.ts";
import { anyOf, LinearRegex } from "./linear-regex.ts";
import { presetRules } from "./preset-rules.ts";
import { everywhere, placeCount, placeIndex, placeMask } from "./redaction-places.ts";
import { listNames } from "./redaction-problems.ts";
import type { RedactionRule } from "./redaction-rule.ts";
import { plainSessionKey } from "./session-keys.ts";
import { isSummaryKey } from "./summary-attributes.ts";
import { matchesPerRequest, ValueSearch } from "./value-search.ts";

/** What the config says of an attribute with a key, wherever it is. */
export interface KeyDecision {
  readonly key: string;
  readonly isSummary: boolean;
  readonly isIgnored: boolean;
  readonly isAllowed: boolean;
  readonly isBlocked: boolean;
  /** What the rules say of its value at a place, in a map of which they say `outer`. */
  readonly valueAt: (place: number, outer?: InnerRules) => ValueDecision;
  /** The key at a place without the values that rules detect in it, if there are any. */
  readonly newKeyAt: ((place: number, outer?: InnerRules) => NewKey | undefined) | undefined;
}

/** What the rules say of a value. */
export interface ValueDecision {
  /** The rule that decides about the whole value, or -1. */
  readonly wholeBy: number;
  /** What rules before that one look for in it. */
  readonly search: ValueSearch | undefined;
  /** What else holds for the entries of a map in it. */
  readonly inside: InnerRules | undefined;
}

const undecided: ValueDecision = { wholeBy: -1, search: undefined, inside: undefined };
/** Senders choose the keys, and so which of the rules look for values together. */
const maxSearches = 1_000;

export interface NewKey {
  readonly bytes: Uint8Array;
  readonly rule: number;
}

/** The rules of a config, ready to use. */
export class RedactionProgram {
  readonly rules: readonly RedactionRule[];
  readonly lists: CollectorLists;
  readonly summary: Config["summary"];
  /** Whether the names of events and log records decide what their attributes are. */
  readonly hasContentEvents: boolean;
  /** Names and actions to count by: the rules, then the lists. */
  readonly counted: readonly { readonly rule: string; readonly action: string }[];
  readonly listIndex: {
    readonly allowedKeys: number;
    readonly blockedKeys: number;
    readonly blockedValues: number;
  };
  readonly #key: string;
  readonly #cache: KeyCache<KeyDecision>;
  readonly #searches = new Map<string, ValueSearch>();
  readonly #texts: readonly ValueDecision[];
  /** Rules that are about keys. */
  readonly #keyed: readonly number[];
  /** What is decided about the value of a key that none of them is about. */
  readonly #keylessAt: KeyDecision["valueAt"];
  readonly #detection: ValueSearch | undefined;

  constructor(config: Config, seed: number) {
    this.rules = [...config.rules.map(ownRule), ...config.presets.flatMap(presetRules)];
    this.lists = new CollectorLists(config);
    this.summary = config.summary;
    this.hasContentEvents = config.presets.includes("genai_content");
    this.#key = config.hmac_key?.reveal() ?? "";
    const first = this.rules.length;
    this.listIndex = { allowedKeys: first, blockedKeys: first + 1, blockedValues: first + 2 };
    const listAction = config.hash_function === "" ? "mask" : "hash";
    this.counted = [
      ...this.rules.map(({ name, action }) => ({ rule: name, action })),
      ...listNames.map((rule) => ({
        rule,
        action: rule === "allowed_keys" ? "delete" : listAction,
      })),
    ];
    this.#texts = Array.from({ length: placeCount }, (_, place) =>
      this.#decideValue(
        place,
        (rule) =>
          rule.matchesKey === undefined ||
          (rule.matchesBody === true && place >= placeIndex.contentEvent),
      ),
    );
    this.#keyed = [...this.rules.keys()].filter(
      (index) => this.rules[index]?.matchesKey !== undefined,
    );
    this.#keylessAt = this.#valueAt([]);
    this.#detection = this.#searchOf(this.rules.filter(detectsInKeys));
    this.#cache = new KeyCache(seed, (key) => this.#decide(key));
  }

  /** What is decided about the key that is `bytes` from `start` up to `end`. */
  keyDecision(bytes: Uint8Array, start: number, end: number): KeyDecision {
    return this.#cache.get(bytes, start, end);
  }

  /** What is decided about a text or a body that has no key. */
  textDecision(place: number): ValueDecision {
    return this.#texts[place] ?? undecided;
  }

  /** What takes the place of a text that a rule hashes; of a session key in a URL the hash of the session key. */
  hashed(text: Uint8Array | string): string {
    return sessionRef(this.#key, typeof text === "string" ? text : plainSessionKey(text));
  }

  #decide(key: string): KeyDecision {
    const keyed = this.#keyed.filter((index) => this.rules[index]?.matchesKey?.(key) === true);
    return {
      key,
      isSummary: isSummaryKey(key),
      isIgnored: this.lists.isIgnored(key),
      isAllowed: this.lists.isAllowed(key),
      isBlocked: this.lists.isBlocked(key),
      valueAt: keyed.length === 0 ? this.#keylessAt : this.#valueAt(keyed),
      newKeyAt: this.#newKeyAt(key, keyed),
    };
  }

  /** Decides at each place when it is asked for the first time: senders can send many keys, each at one place. */
  #valueAt(keyed: readonly number[]): KeyDecision["valueAt"] {
    const decided: ValueDecision[] = [];
    const isAbout = ({ matchesKey }: RedactionRule, index: number) =>
      matchesKey === undefined || keyed.includes(index);
    let last: { readonly outer: InnerRules; readonly decided: ValueDecision[] } | undefined;
    return (place, outer) => {
      if (outer !== undefined && last?.outer !== outer) {
        last = { outer, decided: [] };
      }
      const known = outer === undefined ? decided : (last?.decided ?? []);
      const decision = known[place] ?? this.#decideValue(place, isAbout, outer);
      known[place] = decision;
      return decision;
    };
  }

  /** The first rule about the whole value decides; the rules before it look for values in it. */
  #decideValue(
    place: number,
    matches: (rule: RedactionRule, index: number) => boolean,
    outer: InnerRules = everything,
  ): ValueDecision {
    const applying = this.rules.filter(
      (rule, index) =>
        index === outer.hashedBy ||
        ((rule.places & (1 << place)) !== 0 &&
          index < outer.before &&
          (matches(rule, index) || outer.searching.includes(index))),
    );
    const whole = applying.find(({ values }) => values === undefined);
    const before = whole === undefined ? applying : applying.slice(0, applying.indexOf(whole));
    // A value that goes as a whole need not be searched for what is only a part of it, unless another rule may keep it.
    const mayStay =
      whole === undefined ||
      whole.action === "keep" ||
      before.some(({ action }) => action === "keep");
    const searched = mayStay
      ? before
      : before.filter(({ action }) => action === "keep" || action === "delete");
    const search = this.#searchOf(searched);
    const wholeBy = whole === undefined ? -1 : this.rules.indexOf(whole);
    const searching = before
      .filter(({ matchesKey }) => matchesKey !== undefined)
      .map((rule) => this.rules.indexOf(rule));
    const inside = innerRulesOf({
      action: whole?.action,
      wholeBy,
      searching,
      outer,
      isFirst: !this.rules.slice(0, wholeBy).some(({ places }) => (places & (1 << place)) !== 0),
    });
    return whole === undefined && search === undefined && inside === undefined
      ? undecided
      : { wholeBy, search, inside };
  }

  #searchOf(rules: readonly RedactionRule[]): ValueSearch | undefined {
    if (rules.length === 0) {
      return undefined;
    }
    const indices = rules.map((rule) => this.rules.indexOf(rule));
    const name = indices.join();
    const search = this.#searches.get(name) ?? new ValueSearch(indices, this.rules);
    if (this.#searches.size < maxSearches) {
      this.#searches.set(name, search);
    }
    return search;
  }

  /** Undefined for nearly all keys: there is nothing in them. */
  #newKeyAt(key: string, keyed: readonly number[]): KeyDecision["newKeyAt"] {
    const bytes = Buffer.from(key);
    const found = new FoundRanges();
    const budget = { matchesLeft: matchesPerRequest };
    this.#detection?.search(bytes, 0, bytes.length, { found, budget });
    if (found.count === 0) {
      return undefined;
    }
    return (place, { before, hashedBy } = everything) => {
      // What is hashed is read by no later rule, but its keys are not hashed.
      const applying = this.rules
        .slice(0, hashedBy < 0 ? before : undefined)
        .filter((rule) => (rule.places & (1 << place)) !== 0);
      const kept = applying.findIndex(
        (rule) =>
          rule.action === "keep" &&
          rule.values === undefined &&
          (rule.matchesKey === undefined || keyed.includes(this.rules.indexOf(rule))),
      );
      const detecting = (kept < 0 ? applying : applying.slice(0, kept)).filter(detectsInKeys);
      const search = this.#searchOf(detecting);
      if (search === undefined) {
        return undefined;
      }
      search.search(bytes, 0, bytes.length, { found, budget });
      return found.count === 0
        ? undefined
        : { bytes: this.replaced(bytes, 0, bytes.length, found), rule: found.rule(0) };
    };
  }

  /** The text from `start` up to `end` with the found ranges hashed or masked. */
  replaced(
    bytes: Uint8Array,
    start: number,
    end: number,
    found: FoundRanges,
    hash: (text: Uint8Array) => string = (text) => this.hashed(text),
  ): Uint8Array {
    const parts: Uint8Array[] = [];
    let from = start;
    for (let i = 0; i < found.count; i++) {
      parts.push(bytes.subarray(from, found.start(i)));
      const isHashed = this.rules[found.rule(i)]?.action === "hash";
      parts.push(
        Buffer.from(
          isHashed ? hash(bytes.subarray(found.start(i), found.end(i))) : this.lists.mask,
        ),
      );
      from = found.end(i);
    }
    parts.push(bytes.subarray(from, end));
    return Buffer.concat(parts);
  }
}

/** Patterns of the config are for values only: a key in which one of them matched by chance could not be found again. */
function detectsInKeys({ action, matchesKey, values }: RedactionRule): boolean {
  return (
    matchesKey === undefined &&
    (values?.kinds.length ?? 0) > 0 &&
    values?.patterns.length === 0 &&
    (action === "hash" || action === "mask")
  );
}

function ownRule(rule: Config["rules"][number], index: number): RedactionRule {
  const { action, keys, key_patterns: keyPatterns, values, detect } = rule;
  const names = new Set(keys);
  const patterns = anyOf(keyPatterns);
  const hasKeys = keys.length > 0 || keyPatterns.length > 0;
  return {
    name: rule.name ?? `rules[${index}]`,
    action,
    places: rule.in === undefined ? everywhere : placeMask(rule.in),
    ...(hasKeys
      ? { matchesKey: (key: string) => names.has(key) || patterns?.test(key) === true }
      : {}),
    ...(values.length + detect.length > 0
      ? { values: { kinds: detect, patterns: values.map((value) => new LinearRegex(value)) } }
      : {}),
  };
}

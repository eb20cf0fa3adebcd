import type { Opaque } from "../../config/opaque.ts";
import { hashKey, keyAdvice } from "../../privacy/hash-key.ts";
import { type Preset, presetRules, presets } from "./preset-rules.ts";
import type { Action } from "./redaction-rule.ts";

/** What is wrong with a config beyond the form of its options. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

interface CheckedRule {
  readonly name?: string | undefined;
  readonly action: Action;
  readonly keys: readonly string[];
  readonly key_patterns: readonly string[];
  readonly values: readonly string[];
  readonly detect: readonly string[];
  readonly in?: readonly string[] | undefined;
}

/** What is checked of a config. */
interface Checked {
  readonly hash_function: string;
  readonly hmac_key?: Opaque | undefined;
  readonly masking_string: string;
  readonly rules: readonly CheckedRule[];
  readonly presets: readonly Preset[];
}

/** Under these names the lists of the Collector's processor are counted. */
export const listNames = ["allowed_keys", "blocked_key_patterns", "blocked_values"] as const;

const keyLengths = { "hmac-sha256": 32, "hmac-sha512": 64 } as const;

export function problemsOf(config: Checked): readonly Problem[] {
  return [
    ...keyProblems(config),
    ...maskProblems(config),
    ...config.rules.flatMap((rule, index) => [
      ...extentProblems(rule, index),
      ...nameProblems(config.rules, index),
    ]),
  ];
}

function keyProblems({ hash_function: name, hmac_key: key, rules, presets: used }: Checked) {
  const problems: Problem[] = [];
  const hashingRule = rules.findIndex(({ action }) => action === "hash");
  const rulesHash = hashingRule >= 0 || used.includes("openclaw");
  const isKeyed = name === "hmac-sha256" || name === "hmac-sha512";
  if (key === undefined) {
    if (isKeyed) {
      problems.push({
        path: [],
        message: `must have an hmac_key for hash_function: ${name}. ${keyAdvice}`,
      });
    }
    if (rulesHash) {
      const by = hashingRule >= 0 ? `rules[${hashingRule}]` : "the preset openclaw";
      problems.push({
        path: [],
        message: `must have an hmac_key, because ${by} hashes. ${keyAdvice}`,
      });
    }
    return problems;
  }
  // The rules hash as `session_activity` does, with the same demands on the key.
  const found = rulesHash ? (hashKey().safeParse(key.reveal()).error?.issues ?? []) : [];
  if (found.length > 0) {
    return found.map(({ message }) => ({ path: ["hmac_key"], message }));
  }
  const min = isKeyed ? keyLengths[name] : keyLengths["hmac-sha256"];
  const { length } = key.reveal();
  const use = isKeyed ? ` for hash_function: ${name}` : "";
  return length >= min
    ? []
    : [
        {
          path: ["hmac_key"],
          message: `must be a key of at least ${min} characters${use}, but has ${length}. ${keyAdvice}`,
        },
      ];
}

/** Rules that mask use the masking string; the lists only do without a hash function. */
function maskProblems({ masking_string, hash_function, rules, presets: used }: Checked) {
  const hasMasks =
    rules.some(({ action }) => action === "mask") ||
    used.flatMap(presetRules).some(({ action }) => action === "mask");
  return masking_string === "" || hash_function === "" || hasMasks
    ? []
    : [
        {
          path: ["masking_string"],
          message:
            "has no effect: hash_function hashes what the blocked lists would mask, and no rule masks. Remove one of them.",
        },
      ];
}

function extentProblems(rule: CheckedRule, index: number): readonly Problem[] {
  const { keys, key_patterns: keyPatterns, values, detect, in: where } = rule;
  const isAboutAll = keys.length + keyPatterns.length + values.length + detect.length === 0;
  return isAboutAll && where === undefined
    ? [
        {
          path: ["rules", index],
          message:
            "matches everything. Write keys, key_patterns, values, detect or in, so that it matches less.",
        },
      ]
    : [];
}

function nameProblems(rules: Checked["rules"], index: number): readonly Problem[] {
  const name = rules[index]?.name;
  if (name === undefined) {
    return [];
  }
  const path = ["rules", index, "name"];
  const first = rules.findIndex((rule) => rule.name === name);
  if (first < index) {
    return [
      {
        path,
        message: `repeats the name of rules[${first}]. Rules are counted by their names, so each must have its own.`,
      },
    ];
  }
  const isTaken =
    listNames.some((each) => each === name) || presets.some((each) => name.startsWith(`${each}/`));
  return isTaken
    ? [
        {
          path,
          message: "is a name under which a preset or a list is counted. Write another one.",
        },
      ]
    : [];
}

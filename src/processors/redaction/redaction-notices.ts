import type { SectionNotice } from "../../component/factory.ts";
import type { Config } from "./config.ts";
import { LinearRegex } from "./linear-regex.ts";

/** What in a valid config was probably not meant. */
export function redactionNotices(config: Config): readonly SectionNotice[] {
  return [
    ...removalNotices(config),
    ...keyNotices(config),
    ...ignoringNotices(config),
    ...config.rules.flatMap((_, index) => keepNotices(config, index)),
    ...hashNotices(config),
  ];
}

function removalNotices({ allow_all_keys, allowed_keys }: Config): readonly SectionNotice[] {
  if (allow_all_keys) {
    return allowed_keys.length === 0
      ? []
      : [{ path: ["allowed_keys"], message: "has no effect with allow_all_keys: true." }];
  }
  return allowed_keys.length === 0
    ? [
        {
          path: [],
          message:
            "removes all attributes, because allowed_keys is empty. Write allow_all_keys: true to keep those that no rule deletes.",
        },
      ]
    : [];
}

/** Lists of whole keys with something that no key has. */
function keyNotices(config: Config): readonly SectionNotice[] {
  const lists = [
    { path: ["allowed_keys"], keys: config.allowed_keys, patterns: undefined },
    { path: ["ignored_keys"], keys: config.ignored_keys, patterns: "ignored_key_patterns" },
    ...config.rules.map(({ keys }, index) => ({
      path: ["rules", index, "keys"],
      keys,
      patterns: "key_patterns",
    })),
  ];
  return lists.flatMap(({ path, keys, patterns }) =>
    [...keys.entries()]
      .filter(([, key]) => /[*^$\\()[\]|]/.test(key))
      .map(([index]) => ({
        path: [...path, index],
        message: `looks like a pattern, but is a whole key, so it matches no other. ${
          patterns === undefined
            ? "Write each key that may stay."
            : `Write a regular expression in ${patterns}.`
        }`,
      })),
  );
}

function ignoringNotices({ ignored_key_patterns }: Config): readonly SectionNotice[] {
  return [...ignored_key_patterns.entries()]
    .filter(([, pattern]) => matchesAll(pattern))
    .map(([index]) => ({
      path: ["ignored_key_patterns", index],
      message: "matches every key, so no attribute is redacted.",
    }));
}

/** A rule that keeps what is removed before it, or more than its author saw. */
function keepNotices(config: Config, index: number): readonly SectionNotice[] {
  const rule = config.rules[index];
  if (rule?.action !== "keep") {
    return [];
  }
  const path = ["rules", index];
  const allowed = new Set([...config.allowed_keys, ...config.ignored_keys]);
  const removed =
    config.allow_all_keys || config.allowed_keys.length === 0
      ? []
      : [...rule.keys.entries()].filter(([, key]) => !allowed.has(key) && !isIgnored(config, key));
  const follow =
    index + 1 < config.rules.length ||
    [config.presets, config.blocked_values, config.blocked_key_patterns].some(
      (list) => list.length > 0,
    );
  return [
    ...removed.map(([place]) => ({
      path: [...path, "keys", place],
      message:
        "is kept by this rule, but not in allowed_keys, which removes it before. Add it there.",
    })),
    ...[...rule.key_patterns.entries()]
      .filter(([, pattern]) => follow && matchesAll(pattern) && isAboutWholes(rule))
      .map(([place]) => ({
        path: [...path, "key_patterns", place],
        message: "matches every key, so no later rule, preset or blocked list sees an attribute.",
      })),
    ...[...rule.values.entries()]
      .filter(([, pattern]) => follow && !isAnchored(pattern))
      .map(([place]) => ({
        path: [...path, "values", place],
        message:
          "keeps a whole value in which it matches a part, with all else that is in it. Write ^(?:…)$ around it, so that it matches whole values only.",
      })),
  ];
}

function hashNotices(config: Config): readonly SectionNotice[] {
  const hashes =
    config.hash_function.startsWith("hmac") ||
    config.presets.includes("openclaw") ||
    config.rules.some(({ action }) => action === "hash");
  return config.hmac_key === undefined || hashes
    ? []
    : [
        {
          path: ["hmac_key"],
          message:
            "is not used: no rule and no preset hashes, and hash_function is none of hmac-sha256 and hmac-sha512.",
        },
      ];
}

function isAboutWholes({ values, detect }: Config["rules"][number]): boolean {
  return values.length + detect.length === 0;
}

function isIgnored(config: Config, key: string): boolean {
  return config.ignored_key_patterns.some((pattern) => new LinearRegex(pattern).test(key));
}

/** Whether a pattern matches keys that have nothing in common. */
function matchesAll(pattern: string): boolean {
  const regex = new LinearRegex(pattern);
  return ["~", "zq.9", "A_b-C"].every((key) => regex.test(key));
}

function isAnchored(pattern: string): boolean {
  return /^(?:\(\?[a-z]+\))?(?:\^|\\A)/.test(pattern) && /(?:\$|\\z)$/.test(pattern);
}

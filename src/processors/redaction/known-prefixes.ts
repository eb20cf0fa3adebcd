import { isInWord, isTokenByte } from "./byte-classes.ts";
import { type Found, isAt, none, type Place } from "./detected.ts";

/**
 * The prefixes that issuers give their keys, how many characters follow at least, and which one is looked at first; by default the last. Behind a prefix
 * with a dot there may be further dots, and behind some there are other signs, too.
 */
export const prefixes: readonly (readonly [
  prefix: string,
  min: number,
  trigger?: number,
  signs?: string,
])[] = [
  ["sk-", 16],
  ["pk-lf-", 16],
  ["sess-", 24],
  ["xoxa-", 10],
  ["xoxb-", 10],
  ["xoxc-", 10],
  ["xoxd-", 10],
  ["xoxe-", 10],
  ["xoxp-", 10],
  ["xoxr-", 10],
  ["xoxs-", 10],
  ["xapp-", 10],
  ["xai-", 20],
  ["nvapi-", 20],
  ["glpat-", 16, 5, "."],
  ["glptt-", 16],
  ["pypi-", 16],
  ["tvly-", 16],
  ["pplx-", 16],
  ["tskey-", 16],
  ["GOCSPX-", 16],
  ["AGE-SECRET-KEY-", 16],
  ["ghp_", 16],
  ["gho_", 16],
  ["ghu_", 16],
  ["ghs_", 16],
  ["ghr_", 16],
  ["github_pat_", 16],
  ["dckr_pat_", 16],
  ["sk_live_", 10],
  ["sk_test_", 10],
  ["rk_live_", 10],
  ["rk_test_", 10],
  ["whsec_", 16, 5, "+/="],
  ["npm_", 20],
  ["hf_", 20],
  ["gsk_", 20],
  ["lsv2_", 16],
  ["syt_", 16],
  ["ntn_", 24],
  ["lin_api_", 16],
  ["figd_", 16],
  ["dop_v1_", 16],
  ["shpat_", 16],
  ["SG.", 32],
  ["ya29.", 20],
  ["hvs.", 20],
  ["AKIA", 16],
  ["ASIA", 16],
  ["EAA", 60],
  ["AIza", 30, 2],
];

interface Prefix {
  readonly bytes: Uint8Array;
  readonly min: number;
  readonly trigger: number;
  readonly signs: Uint8Array;
}

const byTrigger: (readonly Prefix[])[] = Array.from({ length: 256 }, () => []);
for (const [prefix, min, trigger = prefix.length - 1, signs = ""] of prefixes) {
  const bytes = Buffer.from(prefix);
  const byte = bytes[trigger] ?? 0;
  byTrigger[byte] = [
    ...(byTrigger[byte] ?? []),
    { bytes, min, trigger, signs: Buffer.from(prefix.endsWith(".") ? "." : signs) },
  ];
}

/** The bytes at which a prefix may be recognized. */
export const prefixTriggers = [...byTrigger.keys()].filter((byte) => byTrigger[byte]?.length !== 0);

const dot = 0x2e;

/** A key with a prefix of its issuer. */
export function prefixedKeyAt(bytes: Uint8Array, { start, at, end }: Place): Found {
  for (const prefix of byTrigger[bytes[at] ?? 0] ?? []) {
    const from = at - prefix.trigger;
    const body = from + prefix.bytes.length;
    if (from < start || !isAt(bytes, from, end, prefix.bytes) || isInWord(bytes, from, start)) {
      continue;
    }
    let to = body;
    while (to < end && (isTokenByte(bytes[to]) || prefix.signs.includes(bytes[to] ?? 0))) {
      to += 1;
    }
    while (bytes[to - 1] === dot) {
      to -= 1; // the end of a sentence
    }
    if (to - body >= prefix.min) {
      return { start: from, end: to };
    }
  }
  return none;
}

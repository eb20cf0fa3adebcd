import { z } from "zod";
import { opaque } from "../../config/units.ts";
import { onlyDisabled } from "../../config/unsupported.ts";
import { patternProblem } from "./linear-regex.ts";
import { oneOf } from "./listed-names.ts";
import { presets } from "./preset-rules.ts";
import { nearestPlace, places } from "./redaction-places.ts";
import { problemsOf } from "./redaction-problems.ts";
import { actions } from "./redaction-rule.ts";
import { valueKinds } from "./value-detectors.ts";

/** More rules would make each new key slow. */
const maxRules = 100;
const maxEntries = 1_000;
const maxMask = 100;

const names = () => z.array(z.string().min(1)).max(maxEntries).prefault([]);

const patterns = () =>
  z
    .array(
      z.string().check((context) => {
        const problem =
          context.value === ""
            ? "must not be empty: an empty pattern matches everywhere."
            : patternProblem(context.value);
        if (problem !== undefined) {
          context.issues.push({ code: "custom", input: context.value, message: problem });
        }
      }),
    )
    .max(maxEntries)
    .prefault([]);

const rule = z.strictObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9_.:/-]{1,64}$/,
      "must be a name of letters, digits and _.:/- with at most 64 characters.",
    )
    .optional()
    .describe(
      "Under this name the rule is counted. Default: its place in the list, e.g. rules[0].",
    ),
  action: z
    .enum(actions)
    .describe(
      "What happens with what the rule matches. hash: the first 12 hex digits of HMAC-SHA-256 under hmac_key take its place. delete: it is removed. mask: masking_string takes its place. keep: no later rule, preset or blocked list changes it.",
    ),
  keys: names().describe("Keys of attributes, whole names. Also of maps in values."),
  key_patterns: patterns().describe(
    "The same by regular expressions, which match anywhere in a key.",
  ),
  values: patterns().describe(
    "Regular expressions for values. Without keys, for the values of all keys and for texts. hash and mask change only the parts that match.",
  ),
  detect: oneOf(valueKinds)
    .prefault([])
    .describe(
      "Kinds of values that are known: session_key (agent:…, of OpenClaw), email, secret (API keys, tokens, passwords, private keys).",
    ),
  in: oneOf(places, (name) => wrongPlace(name), nearestPlace)
    .min(1, "must name at least one place, or be left out for all of them.")
    .optional()
    .describe(
      "Where the rule applies: attributes of these contexts, and texts by their paths, in the words of OTTL. Default: everywhere.",
    ),
});

/** All 24 places would hide what is wrong. */
function wrongPlace(name: string): string {
  const nearest = nearestPlace(name);
  const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
  return `must be a context such as resource, span, spanevent, log or datapoint, or a text such as log.body, span.name or span.status.message.${hint}`;
}

const asRule = "Write a rule with the keys of these attributes and action: mask, hash or delete.";

export const schema = z
  .strictObject({
    url_sanitizer: onlyDisabled(
      `is not supported: it recognizes ids in URLs by a model of words. ${asRule}`,
    ),
    db_sanitizer: onlyDisabled(
      `is not supported: statements of databases are not parsed. ${asRule}`,
    ),
    allow_all_keys: z
      .boolean()
      .prefault(false)
      .describe("Whether all keys are allowed. false: only allowed_keys, and without those none."),
    allowed_keys: names().describe(
      "Keys of attributes that stay. All others are removed, unless allow_all_keys is true.",
    ),
    ignored_keys: names().describe(
      "Keys of attributes that are neither removed nor changed, by no list and no rule.",
    ),
    ignored_key_patterns: patterns().describe("The same by regular expressions."),
    redact_all_types: z
      .boolean()
      .prefault(false)
      .describe("Whether values that are no texts are matched, too, as texts."),
    blocked_key_patterns: patterns().describe(
      "Regular expressions for keys whose values are masked.",
    ),
    blocked_values: patterns().describe(
      "Regular expressions for what is masked in the values of allowed keys, applied in this order.",
    ),
    allowed_values: patterns().describe(
      "Regular expressions for values that blocked_key_patterns and blocked_values leave as they are.",
    ),
    hash_function: z
      .enum(["", "md5", "sha1", "sha3", "hmac-sha256", "hmac-sha512"])
      .prefault("")
      .describe(
        "A function by which the blocked lists hash what they would mask. sha3: SHA3-256. Without hmac-… everybody can find short values by trying.",
      ),
    hmac_key: opaque()
      .optional()
      .describe(
        "The key of hmac-sha256 and hmac-sha512, and of rules and presets that hash: at least 32 characters, 64 for hmac-sha512, from openssl rand -hex 32. With the same key in session_activity, a hashed session key is equal to openclaw.session.ref.",
      ),
    masking_string: z
      .string()
      .max(maxMask)
      .prefault("")
      .describe('What takes the place of a masked value. Empty: "****".'),
    summary: z
      .enum(["", "debug", "info", "silent"])
      .prefault("")
      .describe(
        "Attributes that say what was done: debug adds counts and keys, info counts, silent nothing. Empty: silent.",
      ),
    rules: z
      .array(rule)
      .max(maxRules)
      .prefault([])
      .describe(
        "Rules beyond the Collector's lists. They come in this order, after ignored_keys and allowed_keys, before the blocked lists.",
      ),
    presets: oneOf(presets)
      .prefault([])
      .describe(
        "Ready rules, after your own. openclaw: ids of sessions, runs, calls, messages and people, session keys, mail addresses and secrets. genai_content: prompts, completions, arguments and results of tools.",
      ),
  })
  .check((context) => {
    for (const { path, message } of problemsOf(context.value)) {
      context.issues.push({ code: "custom", input: undefined, path: [...path], message });
    }
  });

export type Config = z.output<typeof schema>;

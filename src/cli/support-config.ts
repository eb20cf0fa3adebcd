import { parse, stringify } from "yaml";
import { redacted } from "../config/opaque.ts";
import { hasIdShape } from "../metrics/id-shape.ts";
import type { ServiceConfig } from "../service/config.ts";
import { printConfig } from "../service/config-print.ts";

/** Keys whose values name a person or a machine, or are free texts of the user. */
const private_ = /^(?:username|user_agent|authority|server_name_override)$/;
/** Maps with keys and values of the user's choice. */
const freeMaps = /^(?:const_labels|initial_fields|resource)$/;

/**
 * The effective config for somebody else: secrets redacted as `print-config` does, and in addition everything of a URL behind its host
 * (some backends have a token there), names of users, labels of the user's own, and what looks like an id.
 */
export function supportConfig(config: ServiceConfig): string {
  const tree: unknown = parse(printConfig(config, { unredacted: false }));
  return stringify(withoutPrivate(tree, ""), { lineWidth: 0 });
}

function withoutPrivate(value: unknown, key: string): unknown {
  if (typeof value === "string") {
    return privateText(value, key);
  }
  if (Array.isArray(value)) {
    return value.map((each: unknown) => withoutPrivate(each, key));
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([inner, item]: [string, unknown]) => [
      hasIdShape(inner) ? redacted : inner,
      freeMaps.test(key) && typeof item === "string" ? redacted : withoutPrivate(item, inner),
    ]),
  );
}

/** Options in which the word for a secret would be a mistake, so that the config could not be used for a replay. */
const standIns: readonly (readonly [key: RegExp, standIn: string])[] = [
  [/^proxy_url$/, "http://redacted.invalid:1"],
  [/_key$/, "REDACTED-0123456789-abcdefghijklmnopqrstuvwxyz"],
];

function privateText(text: string, key: string): string {
  if (text === redacted) {
    return standIns.find(([pattern]) => pattern.test(key))?.[1] ?? redacted;
  }
  if (private_.test(key)) {
    return redacted;
  }
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? URL.parse(text) : null;
  if (url !== null && url.protocol !== "unix:") {
    const rest = url.pathname.replace(/^\/$/, "") + url.search + url.hash;
    return `${url.protocol}//${url.host}${rest === "" ? "" : `/${redacted}`}`;
  }
  return hasIdShape(text) ? redacted : text;
}

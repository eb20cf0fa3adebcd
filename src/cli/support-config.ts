import { parse, stringify } from "yaml";
import { redacted } from "../config/opaque.ts";
import { hasIdShape } from "../metrics/id-shape.ts";
import type { ServiceConfig } from "../service/config.ts";
import { printConfig } from "../service/config-print.ts";
import type { CaptureKeys } from "./capture-keys.ts";

/** Keys whose values name a person or a machine, or are free texts of the user. */
const privateKeys = /^(?:username|user_agent|authority|server_name_override)$/;
/** Maps with keys and values of the user's choice. */
const freeMaps = /^(?:const_labels|initial_fields|resource)$/;
/** Of `redaction`: what the user looks for says what there is to find. */
const redactionPatterns =
  /^(?:name|masking_string|values|(?:blocked|allowed)_values|(?:ignored_|blocked_)?key_patterns)$/;
const redactionKeys = /^(?:keys|allowed_keys|ignored_keys|attributes)$/;
/** Where systems have the folders of users. */
const home = /((?:^|[\\/])(?:home|Users)[\\/])[^\\/]+/g;
/** As long as the longest key that an option demands. */
const keyLength = 64;

/**
 * The effective config for somebody else: secrets redacted as `print-config` does, and in addition everything of a URL behind its host
 * (some backends have a token there), names of users, labels of the user's own, patterns of `redaction` and keys there that are not among
 * `known`, and what looks like an id. A placeholder is `REDACTED_1` and so on, another one for each secret and for each other text: the
 * config stays valid where equal values are a mistake, and where one part names another.
 */
export function supportConfig(config: ServiceConfig, known: CaptureKeys): string {
  const tree: unknown = parse(printConfig(config, { unredacted: false }));
  return stringify(new ConfigRedactor(known).tree(tree), { lineWidth: 0 });
}

/** Where a value of the config is. */
interface Place {
  /** The key that it, or the list that it is in, has. */
  readonly key: string;
  /** Everything in it is the user's own. */
  readonly isFree: boolean;
  readonly isRedaction: boolean;
}

class ConfigRedactor {
  readonly #known: CaptureKeys;
  readonly #placeholders = new Map<string, string>();
  #count = 0;

  constructor(known: CaptureKeys) {
    this.#known = known;
  }

  tree(value: unknown, place: Place = { key: "", isFree: false, isRedaction: false }): unknown {
    if (Array.isArray(value)) {
      return value.map((each: unknown) => this.tree(each, place));
    }
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]: [string, unknown]) => [
          this.#withoutId(key),
          this.tree(inner, {
            key,
            isFree: place.isFree || freeMaps.test(key),
            isRedaction: place.isRedaction || /^redaction(?:\/|$)/.test(key),
          }),
        ]),
      );
    }
    if (value !== null && place.isFree) {
      return this.#placeholder(String(value));
    }
    return typeof value === "string" ? this.#text(value, place) : value;
  }

  #text(text: string, { key, isRedaction }: Place): string {
    if (text === redacted) {
      return this.#secret(key);
    }
    const isOwnKey = redactionKeys.test(key) && this.#known.keptOf(text) === undefined;
    if (privateKeys.test(key) || (isRedaction && (isOwnKey || redactionPatterns.test(key)))) {
      return text === "" ? "" : this.#placeholder(text);
    }
    const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? URL.parse(text) : null;
    if (url !== null && url.protocol !== "unix:") {
      const host = hasIdShape(url.hostname)
        ? `${this.#host(url.hostname)}${url.port === "" ? "" : `:${url.port}`}`
        : url.host;
      const rest = url.pathname.replace(/^\/$/, "") + url.search + url.hash;
      return `${url.protocol}//${host}${rest === "" ? "" : `/${this.#placeholder(rest)}`}`;
    }
    return this.#withoutId(
      text.replace(home, (_, folder: string) => folder + this.#placeholder("home")),
    );
  }

  /** Some options demand more of a secret than that it is a text. */
  #secret(key: string): string {
    this.#count += 1;
    const name = `REDACTED_${this.#count}`;
    if (key === "proxy_url") {
      return `http://redacted-${this.#count}.invalid:1`;
    }
    return key.endsWith("_key") ? longText(name) : name;
  }

  /** The type in the id of a component or a pipeline stays, and the port of an address. */
  #withoutId(text: string): string {
    if (!hasIdShape(text)) {
      return text;
    }
    const [, type = "", name = ""] = /^([a-z][a-z0-9_]*\/)(.+)$/.exec(text) ?? [];
    const [, host = "", port = ""] = /^(\S+)(:\d{1,5})$/.exec(text) ?? [];
    if (type !== "") {
      return type + this.#placeholder(name);
    }
    return port === "" ? this.#placeholder(text) : this.#host(host) + port;
  }

  #host(host: string): string {
    return `${this.#placeholder(host).toLowerCase().replace("_", "-")}.invalid`;
  }

  /** The same for the same text. */
  #placeholder(text: string): string {
    const known = this.#placeholders.get(text);
    if (known !== undefined) {
      return known;
    }
    this.#count += 1;
    const placeholder = `REDACTED_${this.#count}`;
    this.#placeholders.set(text, placeholder);
    return placeholder;
  }
}

function longText(name: string): string {
  return Array(Math.ceil(keyLength / name.length))
    .fill(name)
    .join("-");
}

import { forgetView, tagOf, WireReader } from "../../otlp/wire-reader.ts";
import { attributeOf, type TextAttribute } from "./attribute-text.ts";
import type { WalkedResource } from "./metric-walk.ts";
import { type LabelParts, LabelSet, serviceKeys, type Target, targetOf } from "./series-labels.ts";

export interface TargetsOptions {
  readonly maxTargets: number;
  /** Until a target whose streams send nothing any more is left out. */
  readonly expirationMs: number;
  readonly parts: LabelParts;
}

interface KnownTarget {
  /** The resource that it was read from. */
  readonly identity: string;
  readonly labels: string;
  updatedMs: number;
}

interface ParsedResource {
  readonly attributes: readonly TextAttribute[];
  readonly target: Target;
  /** Undefined if it has neither a job nor an instance. */
  readonly key: string | undefined;
}

/** The most attributes of a resource that are read. */
const maxAttributes = 128;
const labelCharactersPerTarget = 1_024;
const attributesTag = tagOf(1, "length");

/**
 * The resources of the page, for `target_info`: one for each job and instance, the one that sent last. A resource with neither has none,
 * as in the Collector.
 */
export class ResourceTargets {
  readonly #options: TargetsOptions;
  readonly #parsed = new WeakMap<WalkedResource, ParsedResource>();
  readonly #targets = new Map<string, KnownTarget>();
  #labelCharacters = 0;

  constructor(options: TargetsOptions) {
    this.#options = options;
  }

  attributesOf(resource: WalkedResource): readonly TextAttribute[] {
    return this.#parse(resource).attributes;
  }

  targetOf(resource: WalkedResource): Target {
    return this.#parse(resource).target;
  }

  /** Notes that the resource has sent something. `identity` distinguishes it from others. */
  touch(resource: WalkedResource, identity: string, nowMs: number): void {
    const { attributes, target, key } = this.#parse(resource);
    if (key === undefined) {
      return;
    }
    const known = this.#targets.get(key);
    if (known?.identity === identity) {
      known.updatedMs = nowMs;
      return;
    }
    const labels = this.#labelsOf(attributes, target);
    const { maxTargets } = this.#options;
    const characters = this.#labelCharacters + labels.length - (known?.labels.length ?? 0);
    const isFull = known === undefined && this.#targets.size >= maxTargets;
    if (isFull || characters > labelCharactersPerTarget * maxTargets) {
      this.#options.parts.report.dropped("too_many");
      return;
    }
    this.#labelCharacters = characters;
    this.#targets.set(key, { identity, labels, updatedMs: nowMs });
  }

  /** The labels of each target, as on the page. */
  labels(): readonly string[] {
    return [...this.#targets.values()].map(({ labels }) => labels);
  }

  expire(nowMs: number): void {
    for (const [key, { labels, updatedMs }] of this.#targets) {
      if (nowMs - updatedMs > this.#options.expirationMs) {
        this.#targets.delete(key);
        this.#labelCharacters -= labels.length;
      }
    }
  }

  #labelsOf(attributes: readonly TextAttribute[], target: Target): string {
    const labels = new LabelSet(new Set(), this.#options.parts);
    labels.set("job", target.job);
    labels.set("instance", target.instance);
    const keys: readonly string[] = serviceKeys;
    labels.add(attributes.filter(({ key }) => !keys.includes(key)));
    return labels.text();
  }

  #parse(resource: WalkedResource): ParsedResource {
    const known = this.#parsed.get(resource);
    if (known !== undefined) {
      return known;
    }
    const attributes = attributesIn(resource.bytes);
    const target = targetOf(attributes, this.#options.parts.report);
    const isNamed = target.job !== undefined || target.instance !== undefined;
    const key = isNamed ? JSON.stringify([target.job, target.instance]) : undefined;
    const parsed = { attributes, target, key };
    this.#parsed.set(resource, parsed);
    return parsed;
  }
}

function attributesIn(bytes: Uint8Array): readonly TextAttribute[] {
  const attributes: TextAttribute[] = [];
  const reader = new WireReader(bytes);
  const end = bytes.length;
  while (reader.position < end && attributes.length < maxAttributes) {
    const tag = reader.tag(end);
    if (tag === attributesTag) {
      const stop = reader.length(end);
      if (stop < 0) {
        break;
      }
      attributes.push(attributeOf(bytes.subarray(reader.position, stop)));
      reader.position = stop;
    } else if (!reader.skip(tag, end)) {
      break;
    }
  }
  forgetView();
  return attributes;
}

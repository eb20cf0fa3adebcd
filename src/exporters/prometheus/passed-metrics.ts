import type { Clock } from "../../component/clock.ts";
import { forgetView, WireReader } from "../../otlp/wire-reader.ts";
import { AttributeNames } from "./attribute-names.ts";
import { canBeAdded, type FamilyHead, familyHeadOf, isDelta } from "./family-head.ts";
import { IdentityHash } from "./identity-hash.ts";
import { type Family, lineNames } from "./metric-families.ts";
import { type WalkedMetric, walkMetrics } from "./metric-walk.ts";
import type { DropReason } from "./page-instruments.ts";
import { type DataPoint, readPoint } from "./point-fields.ts";
import type { PointFault } from "./point-values.ts";
import { ResourceTargets } from "./resource-targets.ts";
import type { LabelParts, LabelReport } from "./series-labels.ts";
import { headOf, pageParts } from "./series-text.ts";
import {
  type LabelOptions,
  overflowLabels,
  type ScopeFacts,
  scopeFactsOf,
  streamLabels,
} from "./stream-labels.ts";
import { type Outcome, StreamStore } from "./stream-store.ts";
import { familyNameOf, type NameRules } from "./translated-names.ts";

export interface PassedOptions extends NameRules, LabelOptions {
  readonly clock: Clock;
  /** Random bytes: what identifies a stream is kept as a hash with this key, and never as it is. */
  readonly key: Uint8Array;
  readonly maxSeries: number;
  readonly expirationMs: number;
  /** Names of lines that others write on the page. */
  readonly reserved: ReadonlySet<string>;
  readonly report: PassedReport;
}

/** What becomes of data points and labels. `metric` is absent if it could contain an id. */
export interface PassedReport extends LabelReport {
  droppedPoint(reason: DropReason, metric: string | undefined): void;
  overflowedPoint(metric: string | undefined): void;
}

/** After how many steps others get a turn. */
const stepsPerTurn = 100;

/** How far the clock of a sender may be ahead of ours. */
const maxAheadMs = 86_400_000;

const targetInfo = { name: "target_info", type: "gauge", help: "Target metadata" } as const;

/** A metric while its points are read. */
interface CurrentMetric {
  readonly metric: WalkedMetric;
  /** The hash of all that its streams have in common. */
  readonly identity: string;
  readonly resourceIdentity: string;
  readonly scopeIdentity: string;
  readonly head: FamilyHead | DropReason;
  /** Read when a stream is new. */
  scope?: ScopeFacts;
}

/**
 * The metrics that senders push, as a page for Prometheus. It keeps the last value of every stream, bounded by `maxSeries`, and no
 * id: what distinguishes streams without being shown is kept as a keyed hash.
 */
export class PassedMetrics {
  readonly #options: PassedOptions;
  readonly #hash: IdentityHash;
  readonly #store: StreamStore;
  readonly #targets: ResourceTargets;
  readonly #targetInfoName: string;
  readonly #labelParts: LabelParts;

  constructor(options: PassedOptions) {
    const { maxSeries, expirationMs, reserved, report } = options;
    this.#options = options;
    this.#hash = new IdentityHash(options.key);
    this.#labelParts = { report, names: new AttributeNames() };
    this.#targetInfoName =
      familyNameOf({ name: targetInfo.name, unit: "", kind: "up_down_counter" }, options) ??
      targetInfo.name;
    this.#targets = new ResourceTargets({
      maxTargets: maxSeries,
      expirationMs,
      parts: this.#labelParts,
    });
    this.#store = new StreamStore({
      maxSeries,
      expirationMs,
      reserved: new Set([...reserved, this.#targetInfoName]),
      overflowLabels: overflowLabels(options, this.#labelParts),
    });
  }

  get seriesCount(): number {
    return this.#store.seriesCount;
  }

  /** Takes the data points of a request. Lets others have a turn now and then, so that a large one does not block others. */
  async take(bytes: Uint8Array): Promise<void> {
    const reader = new WireReader(bytes);
    const nowMs = this.#options.clock.nowMs();
    let current: CurrentMetric | undefined;
    let steps = 0;
    for (const step of walkMetrics(reader)) {
      if (step.type === "metric") {
        current = this.#currentOf(step.metric, current);
      } else if (step.type === "point" && current !== undefined) {
        const point = readPoint(reader, step.start, step.end, current.metric.kind);
        this.#report(this.#outcomeOf(point, current, nowMs), current);
      }
      steps += 1;
      if (steps % stepsPerTurn === 0) {
        forgetView();
        await othersTurn();
      }
    }
    forgetView();
  }

  /** The page, without the families whose lines are in `taken`. Lets others have a turn between its parts. */
  async page(
    taken: ReadonlySet<string>,
    { sendTimestamps }: { readonly sendTimestamps: boolean } = { sendTimestamps: false },
  ): Promise<string> {
    const nowMs = this.#options.clock.nowMs();
    this.#store.expire(nowMs);
    this.#targets.expire(nowMs);
    const parts = taken.has(this.#targetInfoName) ? [] : [this.#targetInfo()];
    const skipped = ({ name, type }: Family) =>
      taken.size > 0 && lineNames(name, type).some((line) => taken.has(line));
    for (const part of pageParts(this.#store.families.all(), { sendTimestamps, skipped })) {
      parts.push(part);
      await othersTurn();
    }
    return parts.join("");
  }

  #targetInfo(): string {
    const lines = this.#targets.labels().map((labels) => `${this.#targetInfoName}{${labels}} 1`);
    const head = headOf({ ...targetInfo, name: this.#targetInfoName });
    return lines.length === 0 ? "" : `${[...head, ...lines].join("\n")}\n`;
  }

  /** `before`: the metric before, which nearly always has the same resource and scope. Those may be large, so they are hashed once. */
  #currentOf(metric: WalkedMetric, before: CurrentMetric | undefined): CurrentMetric {
    const { resource, scope, name, unit, kind, isMonotonic } = metric;
    const isSameScope = before?.metric.scope === scope;
    const resourceIdentity =
      before?.metric.resource === resource
        ? before.resourceIdentity
        : this.#hash.of([resource.bytes]);
    const scopeIdentity = isSameScope
      ? before.scopeIdentity
      : this.#hash.of([resourceIdentity, scope.bytes, scope.schemaUrl]);
    const identity = this.#hash.of([scopeIdentity, name, unit, kind, String(isMonotonic)]);
    return {
      metric,
      identity,
      resourceIdentity,
      scopeIdentity,
      head: familyHeadOf(metric, this.#options),
      ...(isSameScope && before.scope !== undefined ? { scope: before.scope } : {}),
    };
  }

  #outcomeOf(
    point: DataPoint | PointFault,
    current: CurrentMetric,
    nowMs: number,
  ): Outcome | "gone" {
    const { metric, head } = current;
    if (typeof head === "string") {
      return head;
    }
    if (typeof point === "string") {
      return point;
    }
    // Before the work that only a point which is shown is worth.
    const conflict = this.#store.families.conflictOf(head.name, head.type);
    if (conflict !== undefined) {
      return conflict;
    }
    const identity = this.#identityOf(current, point.attributes);
    if (point.isGone) {
      this.#store.end(identity);
      return "gone";
    }
    const sample = {
      ...withSaneTimes(point, this.#options.clock.unixMs()),
      isDelta: isDelta(metric),
    };
    if (sample.isDelta && !canBeAdded(sample, head)) {
      return "invalid_value";
    }
    this.#targets.touch(metric.resource, current.resourceIdentity, nowMs);
    const outcome = this.#store.takeKnown(identity, sample, nowMs);
    if (outcome !== undefined) {
      return outcome;
    }
    const labels = this.#labelsOf(current, point, head);
    return this.#store.takeNew(identity, { head, labels, sample }, nowMs);
  }

  #report(outcome: Outcome | "gone", { head }: CurrentMetric): void {
    const metric = typeof head === "string" ? undefined : head.name;
    if (outcome === "overflowed") {
      this.#options.report.overflowedPoint(metric);
    } else if (outcome !== "shown" && outcome !== "gone") {
      this.#options.report.droppedPoint(outcome, metric);
    }
  }

  #labelsOf(current: CurrentMetric, { attributes }: DataPoint, { type }: FamilyHead): string {
    const { resource, scope } = current.metric;
    current.scope ??= scopeFactsOf(scope);
    const origin = {
      type,
      target: this.#targets.targetOf(resource),
      resource: this.#targets.attributesOf(resource),
      scope: current.scope,
    };
    return streamLabels(attributes, origin, this.#options, this.#labelParts);
  }

  /** Senders may write the attributes of one stream in any order. */
  #identityOf({ identity }: CurrentMetric, attributes: readonly Uint8Array[]): string {
    if (attributes.length === 0) {
      return identity;
    }
    const sorted = attributes.length > 1 ? attributes.toSorted(Buffer.compare) : attributes;
    return this.#hash.of([identity, ...sorted]);
  }
}

/**
 * The point without times that no clock of a sender should have: a stream with such a time would take every later value for an older one.
 * The Collector reads 2^64 - 1, which stands for no time, as one before 1970.
 */
function withSaneTimes(point: DataPoint, unixMs: number): DataPoint {
  const latestNs = (unixMs + maxAheadMs) * 1e6;
  const sane = (ns: number) => (ns > latestNs ? 0 : ns);
  return { ...point, startNs: sane(point.startNs), timeNs: sane(point.timeNs) };
}

function othersTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

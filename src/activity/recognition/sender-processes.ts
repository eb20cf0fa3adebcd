import { KeySet } from "../../otlp/keys.ts";
import { attributeTypes, type SpanBatch } from "../../otlp/span-batch.ts";
import { hostOf, serviceHostOf, serviceOf } from "../model/service-host.ts";
import { type Attributes, attributeOf } from "./activity-record.ts";
import { InternedNames } from "./interned-names.ts";
import { NumberPool, type NumberUsage, neverUnused } from "./number-pool.ts";
import {
  clientOf,
  compareIdentity,
  hostKeyOf,
  type Identity,
  identityFor,
  identityOf,
  identityText,
  isIdentified,
  lookupKeysOf,
  processIdentity,
} from "./sender-identity.ts";
import { UnrecognizedServices } from "./unrecognized-services.ts";

/** How many processes are distinguished. */
export const maxProcesses = 10_000;
/** Of processes that share a lookup key, so many of the newest are compared. */
const maxCompared = 64;

/** A process that sends to us, and where it runs. */
export interface SenderProcess {
  /** A small number; 0 for one beyond the bound, of which nothing is tracked. */
  readonly process: number;
  /** A number per (service name, host); 0 when the host or the process is not known. See `hostOf`. */
  readonly serviceHost: number;
  /** Whether it can be distinguished from its siblings. */
  readonly isIdentified: boolean;
}

/** What is stored of a process. `place` is its service host. */
export interface StoredProcess {
  readonly process: number;
  readonly place: number;
  readonly identity: Identity;
}

interface Known {
  sender: SenderProcess;
  /** The number of its client; 0 for none. */
  readonly client: number;
  identity: Identity;
  /** The host that its service host was numbered by; empty if it has none. Its identity may get a longer name for it later. */
  hostKey: string;
}

/** A sender of which nothing is known. */
export const unknownProcess: SenderProcess = { process: 0, serviceHost: 0, isIdentified: false };

/**
 * Numbers the processes that send to us, those of each authenticated client apart. Keeps the identity of each, and an index of the keys that it can be found by. At most
 * 10 000 are kept; beyond that further ones have the number 0. Those that have sent nothing for `maxAgeMs`, and whose
 * number is not in use elsewhere, are forgotten and their numbers given again.
 *
 * A process is (service name, instance id); without an instance id (service name, host, pid), and then the newest one there,
 * for not every exporter in a process reports all of it. Identities that contradict each other in host, pid or instance id are
 * never one process: replicas with the same instance id, or with one host name and pid.
 */
export class SenderProcesses {
  /** Resource attributes that a scan must report. */
  readonly keys = new KeySet(processIdentity);
  readonly #known = new Map<number, Known>();
  /** Processes by each of their lookup keys, the newest last. */
  readonly #index = new Map<string, number[]>();
  readonly #hosts = new InternedNames();
  readonly #services = new InternedNames();
  readonly #clients = new InternedNames();
  readonly #changed = new Set<number>();
  readonly #numbers: NumberPool;

  /** Processes without an identity of their own that sent work. */
  readonly #shared = new Set<number>();
  /** Processes that sent a start of which no attribute said what it is. */
  readonly #undecided = new Set<number>();
  readonly #onShared: (service: string) => void;
  readonly #unrecognized: UnrecognizedServices;
  readonly #serviceOf = (process: number) => this.#known.get(process)?.identity[0] ?? "";

  /**
   * `onShared`: work came from a process that cannot be distinguished from others of this service. `onUnrecognized`: a service has sent many spans and no
   * work.
   */
  constructor(
    usage: NumberUsage = neverUnused,
    onShared: (service: string) => void = () => {},
    onUnrecognized: (service: string, patterns: number) => void = () => {},
  ) {
    this.#onShared = onShared;
    this.#unrecognized = new UnrecognizedServices(onUnrecognized);
    this.#numbers = new NumberPool(maxProcesses, usage);
  }

  /** The process of `client`, empty for none, that a resource of scanned spans identifies. */
  find(spans: SpanBatch, resource: number, client: string): SenderProcess {
    return this.numberOf(identityFor(client, valuesOf(spans, resource)));
  }

  /** The process of `client`, empty for none, that the decoded attributes of a resource identify. */
  findDecoded(resource: Attributes, client: string): SenderProcess {
    const values = processIdentity.map((key) => identityOf(attributeOf(resource, key)));
    return this.numberOf(identityFor(client, values));
  }

  /** Work of `sender` has arrived. */
  onWork({ process, isIdentified: isDistinct }: SenderProcess): void {
    if (process !== 0) {
      this.#unrecognized.onWork(process, this.#serviceOf);
    }
    const known = isDistinct || this.#shared.has(process) ? undefined : this.#known.get(process);
    if (known !== undefined) {
      this.#shared.add(process);
      this.#onShared(known.identity[0] ?? "");
    }
  }

  /** The spans from row `from` up to `to` are of `sender`, and their work was reported by `onWork`. */
  onSpans({ process }: SenderProcess, spans: SpanBatch, from: number, to: number): void {
    if (process !== 0) {
      this.#unrecognized.onSpans(process, { spans, from, to }, this.#serviceOf);
    }
  }

  /** How many services have sent many spans and no work. */
  get unrecognizedServices(): number {
    return this.#unrecognized.count;
  }

  /** A start of `process` has arrived of which no attribute says what it is. */
  onUndecidedStart(process: number): void {
    if (process !== 0) {
      this.#undecided.add(process);
    }
  }

  /** Whether such a start of `process` has arrived since this program started. */
  hasUndecidedStarts(process: number): boolean {
    return this.#undecided.size > 0 && this.#undecided.has(process);
  }

  /** Whether a resource of scanned spans names another process of `client` than `sender`. */
  isAnother(
    spans: SpanBatch,
    resource: number,
    of: { sender: SenderProcess; client: string },
  ): boolean {
    const known = this.#known.get(of.sender.process);
    const identity = identityFor(of.client, valuesOf(spans, resource));
    return known !== undefined && compareIdentity(known.identity, identity) === "contradicts";
  }

  /** The client of a process as a number, which stays the same while one of its processes is known; 0 for none. */
  clientOf(process: number): number {
    return this.#known.get(process)?.client ?? 0;
  }

  numberOf(identity: Identity): SenderProcess {
    for (const key of lookupKeysOf(identity)) {
      const candidates = this.#index.get(key) ?? [];
      const oldest = Math.max(0, candidates.length - maxCompared);
      for (let at = candidates.length - 1; at >= oldest; at--) {
        const known = this.#known.get(candidates[at] ?? 0);
        const comparison =
          known === undefined ? "contradicts" : compareIdentity(known.identity, identity);
        if (known === undefined || comparison === "contradicts") {
          continue;
        }
        if (comparison === "extends") {
          this.#extend(known, identity);
        }
        this.#numbers.touch(known.sender.process);
        return known.sender;
      }
    }
    return this.#add(identity);
  }

  /** What is stored of all processes. */
  stored(): readonly StoredProcess[] {
    return [...this.#known.values()].map(storedOf);
  }

  /** What to store of those that are new, or of which more is known, since the last call. */
  takeChanged(): readonly StoredProcess[] {
    const changed: StoredProcess[] = [];
    for (const process of this.#changed) {
      const known = this.#known.get(process);
      if (known !== undefined) {
        changed.push(storedOf(known));
      }
    }
    this.#changed.clear();
    return changed;
  }

  /** Restores what was stored, in the order in which it was. */
  restore({ process, place, identity }: StoredProcess): void {
    this.#remove(process);
    this.#numbers.takeStored(process);
    const hostKey = place === 0 ? "" : hostKeyOf(identity);
    if (place !== 0) {
      this.#hosts.restore(hostKey, hostOf(place));
      this.#services.restore(identity[0] ?? "", serviceOf(place));
    }
    const sender = { process, serviceHost: place, isIdentified: isIdentified(identity) };
    this.#enter({ sender, client: this.#acquireClient(identity), identity, hostKey });
  }

  /** The same of a version that stored neither numbers nor service hosts. */
  restoreNext(identity: Identity): void {
    this.#add(identity);
    this.#changed.clear();
  }

  /** How many are distinguished now; at most `maxProcesses`. */
  get size(): number {
    return this.#known.size;
  }

  /** Forgets those that may be forgotten, unless it did a moment ago. Otherwise only a new process makes it do so. */
  forgetUnused(): void {
    for (const process of this.#numbers.unused()) {
      this.#remove(process);
    }
  }

  #add(identity: Identity): SenderProcess {
    this.forgetUnused();
    const process = this.#numbers.take();
    if (process === 0) {
      return { ...unknownProcess, isIdentified: isIdentified(identity) };
    }
    const hostKey = isIdentified(identity) ? hostKeyOf(identity) : "";
    const serviceHost = this.#acquireServiceHost(hostKey, identity);
    const sender = { process, serviceHost, isIdentified: isIdentified(identity) };
    this.#enter({ sender, client: this.#acquireClient(identity), identity, hostKey });
    this.#changed.add(process);
    return sender;
  }

  #enter(known: Known): void {
    const { process } = known.sender;
    this.#known.set(process, known);
    for (const key of lookupKeysOf(known.identity)) {
      this.#addToIndex(key, process);
    }
  }

  #acquireServiceHost(hostKey: string, [service = ""]: Identity): number {
    return hostKey === ""
      ? 0
      : serviceHostOf(this.#hosts.acquire(hostKey), this.#services.acquire(service));
  }

  #acquireClient(identity: Identity): number {
    const client = clientOf(identity);
    return client === "" ? 0 : this.#clients.acquire(client);
  }

  /** Adds what another exporter of the process reports about it. */
  #extend(known: Known, identity: Identity): void {
    const { sender } = known;
    const before = lookupKeysOf(known.identity);
    known.identity = known.identity.map((value, at) => value || (identity[at] ?? ""));
    if (known.hostKey === "" && isIdentified(known.identity)) {
      known.hostKey = hostKeyOf(known.identity);
      const serviceHost = this.#acquireServiceHost(known.hostKey, known.identity);
      known.sender = { ...sender, serviceHost };
    }
    for (const key of lookupKeysOf(known.identity)) {
      if (!before.includes(key)) {
        this.#addToIndex(key, sender.process);
      }
    }
    this.#changed.add(sender.process);
  }

  #addToIndex(key: string, process: number): void {
    const found = this.#index.get(key);
    if (found === undefined) {
      this.#index.set(key, [process]);
    } else {
      found.push(process);
    }
  }

  #remove(process: number): void {
    const known = this.#known.get(process);
    if (known === undefined) {
      return;
    }
    for (const key of lookupKeysOf(known.identity)) {
      const left = (this.#index.get(key) ?? []).filter((each) => each !== process);
      if (left.length === 0) {
        this.#index.delete(key);
      } else {
        this.#index.set(key, left);
      }
    }
    if (known.hostKey !== "") {
      this.#hosts.release(known.hostKey);
      this.#services.release(known.identity[0] ?? "");
    }
    this.#clients.release(clientOf(known.identity));
    this.#known.delete(process);
    this.#changed.delete(process);
    this.#shared.delete(process);
    this.#undecided.delete(process);
    this.#unrecognized.forgetProcess(process);
    this.#numbers.release(process);
  }
}

/** The identifying attributes of a resource of scanned spans. */
function valuesOf(spans: SpanBatch, resource: number): readonly string[] {
  const values = ["", "", "", "", ""];
  const to = spans.resourceAttributesTo.get(resource);
  for (let row = spans.resourceAttributesFrom.get(resource); row < to; row++) {
    const a = spans.attributeA.get(row);
    const b = spans.attributeB.get(row);
    const isText = spans.attributeType.get(row) === attributeTypes.string;
    values[spans.attributeKey.get(row)] = isText ? identityText(spans.bytes, a, b) : `${a},${b}`;
  }
  return values;
}

function storedOf({ sender, identity }: Known): StoredProcess {
  return { process: sender.process, place: sender.serviceHost, identity };
}

import { KeySet } from "../../otlp/keys.ts";
import { attributeTypes, type SpanBatch } from "../../otlp/span-batch.ts";
import { hostOf, serviceHostOf, serviceOf } from "../model/service-host.ts";
import { type AnyValue, type Attributes, attributeOf } from "./activity-record.ts";
import { InternedNames } from "./interned-names.ts";
import { type NumberUsage, neverUnused, UnusedNumbers } from "./unused-numbers.ts";

/** How many processes are told apart. */
export const maxProcesses = 10_000;
const maxValueBytes = 256;
/** Of processes that agree in what is looked up, so many of the newest are compared. */
const maxCompared = 64;

/** The resource attributes that identify a process. */
export const processIdentity = [
  "service.name",
  "host.id",
  "host.name",
  "process.pid",
  "service.instance.id",
] as const;

/** Values in the order of `processIdentity`, empty where absent; an int as its two words with a comma. */
export type Identity = readonly string[];

/** A process that sends to us, and where it runs. */
export interface SenderProcess {
  /** A small number; 0 for one beyond the bound, of which nothing is tracked. */
  readonly process: number;
  /** A number per (service name, host); 0 when the host or the process is not known. See `hostOf`. */
  readonly serviceHost: number;
  /** Whether it can be told apart from its siblings: by an instance id, or by host and pid. */
  readonly isIdentified: boolean;
}

/** What is stored of a process. */
export interface StoredProcess {
  readonly process: number;
  readonly place: number;
  readonly identity: Identity;
}

interface ServiceHostNames {
  readonly host: string;
  readonly service: string;
}

interface Known {
  sender: SenderProcess;
  identity: Identity;
  /** What its place was numbered by. */
  hostNames: ServiceHostNames | undefined;
  seenAtMs: number;
}

/** A sender beyond the bound. */
export const unknownProcess: SenderProcess = { process: 0, serviceHost: 0, isIdentified: false };

/**
 * Numbers the processes that send to us. A process is (service name, instance id); without an instance id (service name,
 * host, pid), and then the newest one there, for not every exporter in a process says all of it. What contradicts each
 * other in host, pid or instance id is never one process: replicas with the same instance id, or with one host name and pid.
 *
 * Bounded: beyond 10 000 processes further ones are `unknownProcess`. Those that have sent nothing for `maxAgeMs`, and of
 * which nothing is remembered elsewhere, are forgotten and their numbers given again.
 */
export class SenderProcesses {
  /** Resource attributes that a scan must report. */
  readonly keys = new KeySet(processIdentity);
  readonly #known = new Map<number, Known>();
  readonly #free: number[] = [];
  #next = 1;
  /** Processes by each thing they can be found by, the newest last. */
  readonly #index = new Map<string, number[]>();
  readonly #hosts = new InternedNames();
  readonly #services = new InternedNames();
  readonly #changed = new Set<number>();
  readonly #unused: UnusedNumbers;
  readonly #decoder = new TextDecoder();

  constructor(use: NumberUsage = neverUnused) {
    this.#unused = new UnusedNumbers(use);
  }

  /** Requests are read at `nowMs` from here on. */
  setNow(nowMs: number): void {
    this.#unused.nowMs = nowMs;
  }

  find(spans: SpanBatch, resource: number): SenderProcess {
    const values: string[] = processIdentity.map(() => "");
    const to = spans.resourceAttributesTo.get(resource);
    for (let row = spans.resourceAttributesFrom.get(resource); row < to; row++) {
      values[spans.attributeKey.get(row)] = this.#valueOf(spans, row);
    }
    return this.numberOf(values);
  }

  /** The same for the attributes of a resource that were decoded. */
  findDecoded(resource: Attributes): SenderProcess {
    return this.numberOf(processIdentity.map((key) => identityOf(attributeOf(resource, key))));
  }

  numberOf(identity: Identity): SenderProcess {
    const found = this.#find(identity) ?? this.#add(identity);
    if (found === undefined) {
      return unknownProcess;
    }
    found.seenAtMs = this.#unused.nowMs;
    return found.sender;
  }

  /** What is stored of all processes. */
  stored(): readonly StoredProcess[] {
    return [...this.#known.values()].map(storedOf);
  }

  /** What is to be stored of those that are new, or of which more is known, since this was asked last. */
  takeChanged(): readonly StoredProcess[] {
    const changed = [...this.#changed].flatMap((process) => {
      const known = this.#known.get(process);
      return known === undefined ? [] : [storedOf(known)];
    });
    this.#changed.clear();
    return changed;
  }

  /** Puts back what was stored, in the order in which it was. */
  restore({ process, place, identity }: StoredProcess): void {
    this.#remove(process);
    for (; this.#next <= process; this.#next++) {
      this.#free.push(this.#next);
    }
    this.#free.splice(this.#free.indexOf(process), 1);
    if (place !== 0) {
      this.#hosts.restore(hostKeyOf(identity), hostOf(place));
      this.#services.restore(identity[0] ?? "", serviceOf(place));
    }
    this.#enter({ process, serviceHost: place, isIdentified: isIdentified(identity) }, identity);
  }

  /** The same of a version that stored neither numbers nor places. */
  restoreNext(identity: Identity): void {
    this.#add(identity);
    this.#changed.clear();
  }

  #find(identity: Identity): Known | undefined {
    for (const key of keysOf(identity)) {
      for (const process of (this.#index.get(key) ?? []).slice(-maxCompared).reverse()) {
        const known = this.#known.get(process);
        if (known !== undefined && !contradicts(known.identity, identity)) {
          this.#merge(known, identity);
          return known;
        }
      }
    }
    return undefined;
  }

  #add(identity: Identity): Known | undefined {
    const known = this.#known;
    const unused = this.#unused.take(function* () {
      for (const [process, { seenAtMs }] of known) {
        yield [process, seenAtMs];
      }
    });
    for (const process of unused) {
      this.#remove(process);
    }
    const isFull = this.#known.size >= maxProcesses;
    this.#unused.onAdd({ isFull });
    if (isFull) {
      return undefined;
    }
    const process = this.#free.pop() ?? this.#next++;
    const sender = {
      process,
      ...this.#serviceHostOf(this.#namesOf(identity)),
      isIdentified: isIdentified(identity),
    };
    this.#changed.add(process);
    return this.#enter(sender, identity);
  }

  /** What the place of a process is numbered by; undefined where that is not known. */
  #namesOf(identity: Identity): ServiceHostNames | undefined {
    const host = hostKeyOf(identity);
    return isIdentified(identity) && host !== "" ? { host, service: identity[0] ?? "" } : undefined;
  }

  #serviceHostOf(hostNames: ServiceHostNames | undefined): { readonly serviceHost: number } {
    return {
      serviceHost:
        hostNames === undefined
          ? 0
          : serviceHostOf(
              this.#hosts.acquire(hostNames.host),
              this.#services.acquire(hostNames.service),
            ),
    };
  }

  #enter(sender: SenderProcess, identity: Identity): Known {
    const { process, serviceHost } = sender;
    const hostNames =
      serviceHost === 0 ? undefined : { host: hostKeyOf(identity), service: identity[0] ?? "" };
    const known = { sender, identity, hostNames, seenAtMs: this.#unused.nowMs };
    this.#known.set(process, known);
    for (const key of keysOf(identity)) {
      this.#addToIndex(key, process);
    }
    return known;
  }

  /** Another exporter of the process says more of it. */
  #merge(known: Known, identity: Identity): void {
    if (!identity.some((value, at) => value !== "" && known.identity[at] === "")) {
      return;
    }
    const { process } = known.sender;
    const before = keysOf(known.identity);
    known.identity = known.identity.map((value, at) => value || (identity[at] ?? ""));
    if (known.hostNames === undefined) {
      known.hostNames = this.#namesOf(known.identity);
      known.sender = { ...known.sender, ...this.#serviceHostOf(known.hostNames) };
    }
    for (const key of keysOf(known.identity)) {
      if (!before.includes(key)) {
        this.#addToIndex(key, process);
      }
    }
    this.#changed.add(process);
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
    for (const key of keysOf(known.identity)) {
      const left = (this.#index.get(key) ?? []).filter((each) => each !== process);
      if (left.length === 0) {
        this.#index.delete(key);
      } else {
        this.#index.set(key, left);
      }
    }
    if (known.hostNames !== undefined) {
      this.#hosts.release(known.hostNames.host);
      this.#services.release(known.hostNames.service);
    }
    this.#known.delete(process);
    this.#changed.delete(process);
    this.#free.push(process);
  }

  #valueOf(spans: SpanBatch, row: number): string {
    const a = spans.attributeA.get(row);
    const b = spans.attributeB.get(row);
    return spans.attributeType.get(row) === attributeTypes.string
      ? this.#decoder.decode(spans.bytes.subarray(a, Math.min(b, a + maxValueBytes)))
      : `${a},${b}`;
  }
}

/** A value of the identity of a process, spelled as `SenderProcesses.numberOf` wants it. */
export function identityOf(value: AnyValue): string {
  const { stringValue, intValue } = value ?? {};
  if (typeof stringValue === "string") {
    const bytes = Buffer.from(stringValue);
    return bytes.length > maxValueBytes
      ? new TextDecoder().decode(bytes.subarray(0, maxValueBytes))
      : stringValue;
  }
  return intValue === null || intValue === undefined ? "" : `${intValue.high},${intValue.low}`;
}

function isIdentified([, hostId = "", hostName = "", pid = "", instance = ""]: Identity): boolean {
  return instance !== "" || (pid !== "" && (hostId !== "" || hostName !== ""));
}

function hostKeyOf([, hostId = "", hostName = ""]: Identity): string {
  return hostId === "" && hostName === "" ? "" : `${hostId}\n${hostName}`;
}

/** What a process can be found by, the surest first. One that cannot be told apart is found by all that it says. */
function keysOf(identity: Identity): readonly string[] {
  const [service = "", hostId = "", hostName = "", pid = "", instance = ""] = identity;
  const isShared = instance !== "";
  const keys = [
    ...(isShared && pid !== "" ? [`instance pid\n${service}\n${instance}\n${pid}`] : []),
    ...(isShared && hostName !== "" ? [`instance host\n${service}\n${instance}\n${hostName}`] : []),
    ...(isShared ? [`instance\n${service}\n${instance}`] : []),
    ...(pid === "" || hostName === "" ? [] : [`name\n${service}\n${hostName}\n${pid}`]),
    ...(pid === "" || hostId === "" ? [] : [`id\n${service}\n${hostId}\n${pid}`]),
  ];
  return keys.length > 0 ? keys : [`all\n${identity.join("\n")}`];
}

/** Whether both say something and not the same. */
function contradicts(a: Identity, b: Identity): boolean {
  return a.some((value, at) => value !== "" && b[at] !== "" && value !== b[at]);
}

function storedOf({ sender, identity }: Known): StoredProcess {
  return { process: sender.process, place: sender.serviceHost, identity };
}

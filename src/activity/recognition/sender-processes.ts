import { KeySet } from "../../otlp/keys.ts";
import { attributeTypes, type SpanBatch } from "../../otlp/span-batch.ts";
import { hostOf, placeOf, serviceOf } from "../model/service-host.ts";
import { type AnyValue, type Attributes, attributeOf } from "./activity-record.ts";
import { Numbering } from "./interned-names.ts";
import { keepsAll, NumberSweep, type UseOfNumbers } from "./unused-numbers.ts";

/** How many processes are told apart. */
export const mostProcesses = 10_000;
const longestValueBytes = 256;
/** Of processes that agree in what is looked up, so many of the newest are compared. */
const mostCompared = 64;

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
  readonly place: number;
  /** Whether it can be told apart from its siblings: by an instance id, or by host and pid. */
  readonly isIdentified: boolean;
}

/** What is stored of a process. */
export interface StoredProcess {
  readonly process: number;
  readonly place: number;
  readonly identity: Identity;
}

interface Placed {
  readonly host: string;
  readonly service: string;
}

interface Known {
  sender: SenderProcess;
  identity: Identity;
  /** What its place was numbered by. */
  placed: Placed | undefined;
  seenAtMs: number;
}

/** A sender beyond the bound. */
export const unknownProcess: SenderProcess = { process: 0, place: 0, isIdentified: false };

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
  readonly #hosts = new Numbering();
  readonly #services = new Numbering();
  readonly #changed = new Set<number>();
  readonly #sweep: NumberSweep;
  readonly #decoder = new TextDecoder();

  constructor(use: UseOfNumbers = keepsAll) {
    this.#sweep = new NumberSweep(use);
  }

  /** Requests are read at `nowMs` from here on. */
  at(nowMs: number): void {
    this.#sweep.nowMs = nowMs;
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
    found.seenAtMs = this.#sweep.nowMs;
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
    this.#enter({ process, place, isIdentified: isIdentified(identity) }, identity);
  }

  /** The same of a version that stored neither numbers nor places. */
  restoreNext(identity: Identity): void {
    this.#add(identity);
    this.#changed.clear();
  }

  #find(identity: Identity): Known | undefined {
    for (const key of keysOf(identity)) {
      for (const process of (this.#index.get(key) ?? []).slice(-mostCompared).reverse()) {
        const known = this.#known.get(process);
        if (known !== undefined && !contradicts(known.identity, identity)) {
          this.#learn(known, identity);
          return known;
        }
      }
    }
    return undefined;
  }

  #add(identity: Identity): Known | undefined {
    const known = this.#known;
    const unused = this.#sweep.unused(function* () {
      for (const [process, { seenAtMs }] of known) {
        yield [process, seenAtMs];
      }
    });
    for (const process of unused) {
      this.#remove(process);
    }
    const isFull = this.#known.size >= mostProcesses;
    this.#sweep.note({ isFull });
    if (isFull) {
      return undefined;
    }
    const process = this.#free.pop() ?? this.#next++;
    const sender = {
      process,
      ...this.#placeOf(this.#placedOf(identity)),
      isIdentified: isIdentified(identity),
    };
    this.#changed.add(process);
    return this.#enter(sender, identity);
  }

  /** What the place of a process is numbered by; undefined where that is not known. */
  #placedOf(identity: Identity): Placed | undefined {
    const host = hostKeyOf(identity);
    return isIdentified(identity) && host !== "" ? { host, service: identity[0] ?? "" } : undefined;
  }

  #placeOf(placed: Placed | undefined): { readonly place: number } {
    return {
      place:
        placed === undefined
          ? 0
          : placeOf(this.#hosts.hold(placed.host), this.#services.hold(placed.service)),
    };
  }

  #enter(sender: SenderProcess, identity: Identity): Known {
    const { process, place } = sender;
    const placed =
      place === 0 ? undefined : { host: hostKeyOf(identity), service: identity[0] ?? "" };
    const known = { sender, identity, placed, seenAtMs: this.#sweep.nowMs };
    this.#known.set(process, known);
    for (const key of keysOf(identity)) {
      this.#enlist(key, process);
    }
    return known;
  }

  /** Another exporter of the process says more of it. */
  #learn(known: Known, identity: Identity): void {
    if (!identity.some((value, at) => value !== "" && known.identity[at] === "")) {
      return;
    }
    const { process } = known.sender;
    const before = keysOf(known.identity);
    known.identity = known.identity.map((value, at) => value || (identity[at] ?? ""));
    if (known.placed === undefined) {
      known.placed = this.#placedOf(known.identity);
      known.sender = { ...known.sender, ...this.#placeOf(known.placed) };
    }
    for (const key of keysOf(known.identity)) {
      if (!before.includes(key)) {
        this.#enlist(key, process);
      }
    }
    this.#changed.add(process);
  }

  #enlist(key: string, process: number): void {
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
    if (known.placed !== undefined) {
      this.#hosts.release(known.placed.host);
      this.#services.release(known.placed.service);
    }
    this.#known.delete(process);
    this.#changed.delete(process);
    this.#free.push(process);
  }

  #valueOf(spans: SpanBatch, row: number): string {
    const a = spans.attributeA.get(row);
    const b = spans.attributeB.get(row);
    return spans.attributeType.get(row) === attributeTypes.string
      ? this.#decoder.decode(spans.bytes.subarray(a, Math.min(b, a + longestValueBytes)))
      : `${a},${b}`;
  }
}

/** A value of the identity of a process, spelled as `SenderProcesses.numberOf` wants it. */
export function identityOf(value: AnyValue): string {
  const { stringValue, intValue } = value ?? {};
  if (typeof stringValue === "string") {
    const bytes = Buffer.from(stringValue);
    return bytes.length > longestValueBytes
      ? new TextDecoder().decode(bytes.subarray(0, longestValueBytes))
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
  return { process: sender.process, place: sender.place, identity };
}

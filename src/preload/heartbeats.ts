import type { Attributes } from "@opentelemetry/api";
import type { Clock } from "../component/clock.ts";
import { property } from "../sender/global-context.ts";
import type { Promised, ResourceLogs, Word } from "./heartbeat-sender.ts";
import {
  type HeartbeatSettings,
  type HeartbeatThread,
  startHeartbeatThread,
} from "./heartbeat-thread.ts";
import { keyValuesOf, processKeyOf } from "./process-identity.ts";

/** Gives the attributes of the resources that have open work. */
export type OpenResources = () => Iterable<Attributes>;

export interface Membership {
  /** What is open may have changed. */
  update(): void;
  /** What was open here is not watched any more. */
  leave(): void;
}

/** For how long a process without open work goes on: its exporter may still have the ends. */
const lingerMs = 60_000;
/** More resources in one process are promised nothing. */
const mostProcesses = 64;
/** How often a thread that failed is started again. */
const mostStarts = 5;

/** By these names the collector knows them. */
const scopeName = "openclaw-activity-preload";
const stateEvent = "entity.state";
const unwatchedEvent = "openclaw.activity.unwatched";

const threads = Symbol.for("openclaw-activity-collector.heartbeats.v1");

interface Process {
  readonly resource: Attributes;
  /** When it last had open work. */
  openAtMs: number;
  promised: Promised;
}

/**
 * The heartbeats of this process to one collector, for all tracer providers, processors and copies of this package in it
 * (the first one's interval counts): one small request for every resource that has, or lately had, open work. A resource
 * that does not tell its process from others (neither an instance id, nor host and pid) gets none: the collector would take
 * them for those of another process.
 */
export class Heartbeats {
  readonly #settings: HeartbeatSettings;
  readonly #clock: Clock;
  readonly #onProblem: (message: string) => void;
  readonly #sources = new Set<OpenResources>();
  readonly #processes = new Map<string, Process>();
  #thread: HeartbeatThread | undefined;
  #starts = 0;

  constructor(
    settings: HeartbeatSettings,
    options: { readonly clock: Clock; readonly onProblem: (message: string) => void },
  ) {
    this.#settings = settings;
    this.#clock = options.clock;
    this.#onProblem = options.onProblem;
  }

  join(source: OpenResources): Membership {
    this.#sources.add(source);
    return {
      update: () => this.#update(),
      leave: () => {
        const left = this.#openOf([source]);
        this.#sources.delete(source);
        this.#update(left);
      },
    };
  }

  #update(left: ReadonlyMap<string, Attributes> = new Map()): void {
    const nowMs = this.#clock.nowMs();
    const open = this.#openOf(this.#sources);
    const words: Word[] = [];
    const say = (key: string, process: Process, promised: Promised) => {
      process.promised = promised;
      words.push(wordOf(key, process, this.#settings.intervalMs));
    };
    for (const [key, resource] of open) {
      const known = this.#processes.get(key) ?? this.#add(key, resource);
      if (known !== undefined) {
        known.openAtMs = nowMs;
        if (known.promised !== "heartbeats") {
          say(key, known, "heartbeats");
        }
      }
    }
    for (const [key, known] of this.#processes) {
      if (open.has(key)) {
        continue;
      }
      if (left.has(key)) {
        say(key, known, "unwatched");
      } else if (nowMs - known.openAtMs >= lingerMs) {
        say(key, known, "nothing");
      } else {
        continue;
      }
      this.#processes.delete(key);
    }
    this.#say(words);
  }

  #openOf(sources: Iterable<OpenResources>): ReadonlyMap<string, Attributes> {
    const open = new Map<string, Attributes>();
    for (const source of sources) {
      for (const resource of source()) {
        const key = processKeyOf(resource);
        if (key !== undefined) {
          open.set(key, resource);
        }
      }
    }
    return open;
  }

  #add(key: string, resource: Attributes): Process | undefined {
    if (this.#processes.size >= mostProcesses) {
      return undefined;
    }
    const made: Process = { resource, openAtMs: 0, promised: "nothing" };
    this.#processes.set(key, made);
    return made;
  }

  #say(words: readonly Word[]): void {
    if (words.length === 0) {
      return;
    }
    this.#thread ??= this.#start();
    this.#thread?.say(words);
  }

  #start(): HeartbeatThread | undefined {
    if (this.#starts >= mostStarts) {
      return undefined;
    }
    this.#starts++;
    try {
      return startHeartbeatThread(this.#settings, {
        onProblem: this.#onProblem,
        onEnd: () => {
          this.#thread = undefined;
          // Each is said anew when it is looked at next.
          for (const process of this.#processes.values()) {
            process.promised = "nothing";
          }
        },
      });
    } catch (error) {
      this.#onProblem(`Heartbeats are off: no thread can be started. ${String(error)}`);
      this.#starts = mostStarts;
      return undefined;
    }
  }
}

/** The heartbeats of this process to `settings.url`, whichever copy of this package asks. */
export function heartbeatsOf(
  settings: HeartbeatSettings,
  options: { readonly clock: Clock; readonly onProblem: (message: string) => void },
): Pick<Heartbeats, "join"> {
  const known = property(globalThis, threads);
  const byUrl: Map<unknown, unknown> = known instanceof Map ? known : new Map();
  Reflect.set(globalThis, threads, byUrl);
  const found = byUrl.get(settings.url);
  if (isHeartbeats(found)) {
    return found;
  }
  const made = new Heartbeats(settings, options);
  byUrl.set(settings.url, made);
  return made;
}

/** Those of another copy are of another class. */
function isHeartbeats(value: unknown): value is Pick<Heartbeats, "join"> {
  return typeof property(value, "join") === "function";
}

function wordOf(key: string, { resource, promised }: Process, intervalMs: number): Word {
  return { process: key, promised, resourceLogs: logsOf(resource, promised, intervalMs) };
}

function logsOf(resource: Attributes, promised: Promised, intervalMs: number): ResourceLogs {
  const instance = resource["service.instance.id"];
  const id =
    instance === undefined
      ? { "process.pid": resource["process.pid"] }
      : { "service.instance.id": instance };
  const attributes = [
    ...keyValuesOf({ "entity.type": instance === undefined ? "process" : "service.instance" }),
    { key: "entity.id", value: { kvlistValue: { values: keyValuesOf(id) } } },
    ...(promised === "heartbeats"
      ? keyValuesOf({ "entity.report.interval": Math.max(1, Math.ceil(intervalMs / 1000)) })
      : []),
  ];
  return {
    resource: { attributes: keyValuesOf(resource) },
    scope: { name: scopeName },
    record:
      promised === "unwatched"
        ? { severityNumber: 9, eventName: unwatchedEvent }
        : { severityNumber: 9, eventName: stateEvent, attributes },
  };
}

import type { Attributes } from "@opentelemetry/api";
import type { Clock } from "../component/clock.ts";
import { property } from "../sender/global-context.ts";
import type { ProcessReport, Promised, ResourceLogs } from "./heartbeat-sender.ts";
import {
  type HeartbeatSettings,
  type HeartbeatThread,
  startHeartbeatThread,
} from "./heartbeat-thread.ts";
import { keyValuesOf, processKeyOf } from "./process-identity.ts";

/** Returns the attributes of the resources that have open work. */
export type OpenResources = () => Iterable<Attributes>;

export interface Membership {
  /** The open work may have changed. */
  update(): void;
  /** The open work of this member is no longer watched. */
  leave(): void;
}

/** How long heartbeats continue without open work, because the exporter may still have the ends. */
const lingerMs = 60_000;
/** How many resources of one process get heartbeats; further ones get none. */
const mostProcesses = 64;
/** How many times a thread is started in total. */
const mostStarts = 5;

/** The collector recognizes the reports by these names. */
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
 * The heartbeats of this process to one collector, for all tracer providers, processors and copies of this package in it (the
 * interval of the first one applies). Keeps each resource that has open work, or had some within the last minute; at 64
 * resources further ones get no heartbeats. A resource that does not identify its process (neither an instance id, nor host
 * and pid) gets none either: the collector would attribute them to another process.
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
    const reports: ProcessReport[] = [];
    const report = (key: string, process: Process, promised: Promised) => {
      process.promised = promised;
      reports.push(reportOf(key, process, this.#settings.intervalMs));
    };
    for (const [key, resource] of open) {
      const known = this.#processes.get(key) ?? this.#add(key, resource);
      if (known !== undefined) {
        known.openAtMs = nowMs;
        if (known.promised !== "heartbeats") {
          report(key, known, "heartbeats");
        }
      }
    }
    for (const [key, known] of this.#processes) {
      if (open.has(key)) {
        continue;
      }
      if (left.has(key)) {
        report(key, known, "unwatched");
      } else if (nowMs - known.openAtMs >= lingerMs) {
        report(key, known, "nothing");
      } else {
        continue;
      }
      this.#processes.delete(key);
    }
    this.#report(reports);
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
    const added: Process = { resource, openAtMs: 0, promised: "nothing" };
    this.#processes.set(key, added);
    return added;
  }

  #report(reports: readonly ProcessReport[]): void {
    if (reports.length === 0) {
      return;
    }
    this.#thread ??= this.#start();
    this.#thread?.report(reports);
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
          // The next update then reports each process again.
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

/** The heartbeats of this process to `settings.url`, shared by all copies of this package. */
export function heartbeatsOf(
  settings: HeartbeatSettings,
  options: { readonly clock: Clock; readonly onProblem: (message: string) => void },
): Pick<Heartbeats, "join"> {
  const known = property(globalThis, threads);
  const byUrl: Map<unknown, unknown> = known instanceof Map ? known : new Map();
  Reflect.set(globalThis, threads, byUrl);
  const existing = byUrl.get(settings.url);
  if (isHeartbeats(existing)) {
    return existing;
  }
  const heartbeats = new Heartbeats(settings, options);
  byUrl.set(settings.url, heartbeats);
  return heartbeats;
}

/** Checks the method, because another copy of this package has another class. */
function isHeartbeats(value: unknown): value is Pick<Heartbeats, "join"> {
  return typeof property(value, "join") === "function";
}

function reportOf(key: string, { resource, promised }: Process, intervalMs: number): ProcessReport {
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

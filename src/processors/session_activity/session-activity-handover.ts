import type { ActivityHandover } from "../../activity/journal/activity-handover.ts";
import type { DurableActivity } from "../../activity/journal/durable-activity.ts";
import type { ActivityEventEmitter } from "./event-emitter.ts";

/** The state of a `session_activity` on its way to the one that replaces it. */
export class SessionActivityHandover {
  readonly activity: ActivityHandover;
  /** What it has pending goes on. */
  readonly emitter: ActivityEventEmitter;
  /** The engine that learns what is delivered. */
  readonly active: { durable: DurableActivity };

  constructor(parts: {
    readonly activity: ActivityHandover;
    readonly emitter: ActivityEventEmitter;
    readonly active: { durable: DurableActivity };
  }) {
    this.activity = parts.activity;
    this.emitter = parts.emitter;
    this.active = parts.active;
  }
}

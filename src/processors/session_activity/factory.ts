import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createSessionActivity } from "./processor.ts";

export const factory = declare({
  type: "session_activity",
  kind: "processor",
  roles: { processor: ["traces", "logs"], receiver: ["metrics", "logs"] },
  stability: "alpha",
  description:
    "Tracks the activity of every session and reports tools and model calls that have no owner any more, and sessions that hang.",
  schema,
  storageKey: ["storage"],
  create: createSessionActivity,
});

import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createSessionActivity } from "./processor.ts";

export const factory = declare({
  type: "session_activity",
  kind: "processor",
  roles: { processor: ["traces", "logs"], receiver: ["metrics", "logs"] },
  stability: "alpha",
  description:
    "Keeps the activity of every session and tells when tools or model calls are left without an owner.",
  schema,
  storageKey: ["storage"],
  create: createSessionActivity,
});

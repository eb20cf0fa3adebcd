import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createMemoryLimiter } from "./processor.ts";

export const factory = declare({
  type: "memory_limiter",
  kind: "processor",
  roles: { processor: ["traces", "metrics", "logs"] },
  stability: "beta",
  description:
    "Refuses data while the process is short of memory, so that senders retry later instead of the process being killed.",
  schema,
  create: createMemoryLimiter,
});

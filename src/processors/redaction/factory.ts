import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createRedaction } from "./processor.ts";
import { redactionNotices } from "./redaction-notices.ts";

export const factory = declare({
  type: "redaction",
  kind: "processor",
  roles: { processor: ["traces", "metrics", "logs"] },
  stability: "alpha",
  description:
    "Removes, masks or hashes attributes and texts before they leave: by lists of keys and values, by rules, and by presets for agents.",
  schema,
  noticesOf: redactionNotices,
  create: createRedaction,
});

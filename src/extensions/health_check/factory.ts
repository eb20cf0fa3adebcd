import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createHealthCheck } from "./extension.ts";

export const factory = declare({
  type: "health_check",
  kind: "extension",
  roles: {},
  stability: "beta",
  description: "Answers over HTTP whether this program and its components are well.",
  schema,
  create: createHealthCheck,
});

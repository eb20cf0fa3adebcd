import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createHealthCheck } from "./extension.ts";

export const factory = declare({
  type: "health_check",
  kind: "extension",
  roles: {},
  stability: "beta",
  description: "Serves the health of this program and its components over HTTP.",
  schema,
  listensAt: [["endpoint"]],
  authKeys: [{ path: ["auth", "authenticator"], side: "server" }],
  create: createHealthCheck,
});

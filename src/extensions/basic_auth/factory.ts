import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createBasicAuth } from "./extension.ts";

export const factory = declare({
  type: "basic_auth",
  deprecatedAlias: "basicauth",
  kind: "extension",
  roles: {},
  stability: "beta",
  description: "Authenticates requests by a user and a password, received or sent.",
  schema,
  authenticates: ({ htpasswd }) => [htpasswd === undefined ? "client" : "server"],
  create: createBasicAuth,
});

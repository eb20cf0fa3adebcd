import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createBearerTokenAuth } from "./extension.ts";

export const factory = declare({
  type: "bearer_token_auth",
  deprecatedAlias: "bearertokenauth",
  kind: "extension",
  roles: {},
  stability: "beta",
  description: "Authenticates requests by a token, received and sent.",
  schema,
  authenticates: ({ token, tokens, filename }) =>
    (token ?? tokens ?? filename) === undefined ? ["server"] : ["server", "client"],
  create: createBearerTokenAuth,
});

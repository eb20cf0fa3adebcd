import { z } from "zod";
import { unsupported } from "./unsupported.ts";

/**
 * `auth` of a server or a client: the option by which a component names the authenticator extension. The service checks the name, for types
 * whose factory has the place of the option (`authKeys`).
 */
export function authOption(description: string) {
  return z
    .strictObject({
      authenticator: z
        .string()
        .meta({ title: "id of an authenticator extension", examples: ["bearer_token_auth"] })
        .optional()
        .describe("The authenticator extension, which service.extensions must name, too."),
      request_params: unsupported(
        "is not supported: credentials are read from headers only, because URLs are logged on the way. Remove it.",
      ),
    })
    .check((context) => {
      if (context.value.authenticator === undefined) {
        context.issues.push({
          code: "custom",
          input: context.value,
          message:
            "must name an authenticator extension, e.g. authenticator: bearer_token_auth. Without authentication, remove auth.",
        });
      }
    })
    .optional()
    .describe(description);
}

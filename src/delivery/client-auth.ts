import type { ClientAuthenticator } from "../component/authenticator.ts";
import type { Settings } from "../component/settings.ts";

/** What adds credentials to the requests of an exporter, if its `auth` names an authenticator. */
export function clientAuthOf(
  { authenticator }: Pick<Settings, "authenticator">,
  auth: { readonly authenticator?: string | undefined } | undefined,
): ClientAuthenticator | undefined {
  const id = auth?.authenticator;
  if (id === undefined) {
    return undefined;
  }
  const { client } = authenticator(id);
  if (client === undefined) {
    throw new Error(`The authenticator "${id}" has no credentials to send.`);
  }
  return client;
}

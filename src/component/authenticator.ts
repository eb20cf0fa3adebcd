/** The headers or the metadata of a request, with names in lower case. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * What became of the credentials of a request. `unauthenticated`: there are none, or wrong ones. `busy`: they cannot be checked now, and the
 * client may repeat the request. Messages name no user and quote nothing of the request.
 */
export type Authentication =
  | {
      readonly ok: true;
      /**
       * Whose credentials they are: the same text for the same client, after a restart too, and never the one of another. It is not a secret, but
       * must not be shown or logged.
       */
      readonly client?: string;
      /**
       * Whose work the client reports, where several credentials stand for one sender: the same text for all of them, and whatever they are changed
       * to. Empty: no client in particular. Absent: the client's own. It must not be shown or logged either.
       */
      readonly account?: string;
    }
  | { readonly ok: false; readonly refused: "unauthenticated" | "busy"; readonly message: string };

/** Checks the credentials of requests. */
export interface ServerAuthenticator {
  /** The value of `WWW-Authenticate` for a refused request. */
  readonly challenge: string;
  /** Never rejects; takes little of the event loop, whatever the client sends. Refuses everything before the start. */
  authenticate(headers: RequestHeaders): Authentication | Promise<Authentication>;
}

/** Adds credentials to requests. */
export interface ClientAuthenticator {
  /** Names in lower case. Asked for each request, because credentials change while running. */
  headers(): Readonly<Record<string, string>>;
}

/** On which side of a connection an authenticator works. */
export type AuthSide = "server" | "client";

/** The role of an extension that a component names in `auth.authenticator`. It has the sides that its factory declares. */
export interface AuthenticatorRole {
  readonly server?: ServerAuthenticator;
  readonly client?: ClientAuthenticator;
}

/** How the clients of a server are kept apart. */
export interface Protection {
  /** An authenticator, or certificates of clients. */
  readonly hasAuthentication: boolean;
  readonly hasTls: boolean;
}

/** The part of `negotiator` that we use. The package has no types. */
declare module "negotiator" {
  export class Negotiator {
    constructor(request: { readonly headers: { readonly "accept-encoding"?: string } });
    /** The encoding of `available` that the client prefers, of equals the first of `preferred`. Undefined if it accepts none. */
    encoding(
      available: readonly string[],
      options: { readonly preferred: readonly string[] },
    ): string | undefined;
  }
}

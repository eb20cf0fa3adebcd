/** The part of `negotiator` that is used; the package has no types of its own. */
declare module "negotiator" {
  export class Negotiator {
    constructor(request: { readonly headers: { readonly "accept-encoding"?: string } });
    /** The one of `available` that the client likes best, of equals the first of `preferred`; none when it takes none. */
    encoding(
      available: readonly string[],
      options: { readonly preferred: readonly string[] },
    ): string | undefined;
  }
}

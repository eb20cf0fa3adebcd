import { z } from "zod";

/** `cors` of a server of HTTP, with the keys and rules of the Collector. Off without `allowed_origins`. */
export function corsOption() {
  return z
    .strictObject({
      allowed_origins: z
        .array(origin())
        .prefault([])
        .describe(
          'Origins of the pages that may send, e.g. "https://app.example.com", each with at most one * for any text: "https://*.example.com". "*" is every origin, from which browsers then send no credentials. Empty: no page may send.',
        ),
      allowed_headers: z
        .array(headerName({ isStarAllowed: true }))
        .prefault([])
        .describe(
          "Headers that pages may send. Empty: Accept, Content-Type and X-Requested-With. Credentials need Authorization here; * allows all.",
        ),
      exposed_headers: z
        .array(headerName({ isStarAllowed: false }))
        .prefault([])
        .describe("Headers of answers that pages may read."),
      max_age: z
        .int()
        .min(0)
        .max(86_400 * 365)
        .prefault(0)
        .describe(
          "For how many seconds a browser may remember what is allowed. 0: for as long as the browser likes.",
        ),
    })
    .optional()
    .describe("Which pages may send from a browser. Without it, none.");
}

function origin() {
  return z.string().check((context) => {
    const message = originProblem(context.value);
    if (message !== undefined) {
      context.issues.push({ code: "custom", input: context.value, message });
    }
  });
}

function originProblem(text: string): string | undefined {
  if (text === "*") {
    return undefined;
  }
  if ((text.match(/\*/g) ?? []).length > 1) {
    return 'has more than one *; write one, e.g. "https://*.example.com", or several origins.';
  }
  return /^[a-z][a-z0-9+.-]*:\/\/[^/\s]+$/i.test(text) || text.startsWith("*") || text === "null"
    ? undefined
    : 'is not an origin; write the scheme and the host, and the port if it is not that of the scheme, without a path, e.g. "https://app.example.com".';
}

function headerName({ isStarAllowed }: { readonly isStarAllowed: boolean }) {
  return z.string().refine((text) => {
    return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text) && (isStarAllowed || text !== "*");
  }, 'is not the name of a header, e.g. "Authorization".');
}

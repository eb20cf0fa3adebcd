import { describe, expect, test } from "vitest";
import { findValues } from "../../../src/processors/redaction/value-detectors.ts";
import fc from "../../support/fast-check.ts";

/** A text without what is found in it. */
function masked(text: string): string {
  const bytes = Buffer.from(text);
  const ranges: [number, number][] = [];
  findValues(bytes, 0, bytes.length, (_kind, start, end) => ranges.push([start, end]));
  let rest = "";
  let from = 0;
  for (const [start, end] of ranges.toSorted((a, b) => a[0] - b[0])) {
    rest += start > from ? `${bytes.subarray(from, start).toString()}****` : "";
    from = Math.max(from, end);
  }
  return rest + bytes.subarray(from).toString();
}

const parts = ["Kq7x", "Zw4p", "Vt9m"] as const;
/** Parts with these signs between them: none of the parts may be left. */
const secretWith = (signs: string) =>
  fc
    .tuple(fc.constantFrom(...signs), fc.constantFrom(...signs))
    .map(([first, second]) => `${parts[0]}${first}${parts[1]}${second}${parts[2]}`);

const json = (value: unknown) => JSON.stringify(value);
const quotable = "\"'`\\,;:@#&()[]{}<>/|=?!$%^*+~ \n\té🙂";
/** Without blanks, and without what ends a value of a URL or of a shell. */
const unquotable = "\"'`,;@#([{|$^*+~!.:/";

const forms: Readonly<Record<string, readonly [signs: string, write: (secret: string) => string]>> =
  {
    JSON: [quotable, (secret) => json({ a: "x", password: secret, b: "KEEP" })],
    "JSON in JSON": [quotable, (secret) => json({ a: json({ password: secret }), b: "KEEP" })],
    "JSON in JSON in JSON": [
      quotable,
      (secret) => json({ a: json({ b: json({ password: secret }) }), c: "KEEP" }),
    ],
    "JSON in a URL": [
      quotable,
      (secret) => `https://h/?q=${encodeURIComponent(json({ password: secret }))}&b=KEEP`,
    ],
    "a list in JSON": [quotable, (secret) => json({ password: [secret, secret], b: "KEEP" })],
    "a map in JSON": [quotable, (secret) => json({ password: { value: secret }, b: "KEEP" })],
    "a named value": [quotable, (secret) => json({ name: "x-api-key", value: secret, b: "KEEP" })],
    "a parameter": [quotable, (secret) => `?token=${encodeURIComponent(secret)}&b=KEEP`],
    "a parameter of a URL in a URL": [
      quotable,
      (secret) =>
        `?to=${encodeURIComponent(`https://h/?token=${encodeURIComponent(secret)}&x=1`)}&b=KEEP`,
    ],
    "a variable": [unquotable, (secret) => `PASSWORD=${secret} KEEP`],
    "a line of YAML": [unquotable.replace(":", ""), (secret) => `password: ${secret} KEEP`],
    "an option": [unquotable, (secret) => `--password ${secret} KEEP`],
    "a URL": ["'`,;@#(/?&!$*+~:", (secret) => `postgres://user:${secret}@KEEP/db`],
    "a header": [`,;@#()/|=?!$%^*+~ `, (secret) => `Authorization: Custom ${secret}\nX: KEEP`],
    cookies: [`,;=/ ()`, (secret) => `'Cookie: a=b; sid=${secret}' KEEP`],
    XML: ["\"',;:@#&()[]{}/|=?!", (secret) => `<password>${secret}</password><b>KEEP</b>`],
  };

describe("nothing is left of a secret, whatever signs are in it, and what is behind it stays", () => {
  for (const [name, [signs, write]] of Object.entries(forms)) {
    test(`in ${name}`, () => {
      fc.assert(
        fc.property(secretWith(signs), (secret) => {
          const text = write(secret);
          const rest = masked(text);
          for (const part of parts) {
            expect(rest, text).not.toContain(part);
          }
          expect(rest, text).toContain("KEEP");
        }),
        { numRuns: 500 },
      );
    });
  }
});

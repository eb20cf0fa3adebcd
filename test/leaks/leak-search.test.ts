import { createHash, randomBytes } from "node:crypto";
import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { CanaryMint, randomOf } from "./canary-mint.ts";
import { LeakSearch } from "./leak-search.ts";

const mint = new CanaryMint(randomOf(7));
for (let at = 0; at < 2_000; at++) {
  mint.id(`id ${at}`);
}
const uuid = mint.uuid("a UUID");
const phone = mint.digits("a telephone number");
const trace = mint.traceId("a trace", 16);
const search = new LeakSearch(mint.canaries);
const { value: id, token, origin } = mint.canaries.find(({ form }) => form === "token")!;
const each = (text: string, one: (code: number) => string) =>
  [...text].map((character) => one(character.charCodeAt(0))).join("");
const hash = (algorithm: string, text: string) => createHash(algorithm).update(text).digest();
const base64 = (text: string) => Buffer.from(text).toString("base64");

/** Every way in which a leak is found. */
const encodings: Readonly<Record<string, string | Uint8Array>> = {
  "as it is": id,
  "in upper case": token.toUpperCase(),
  "eight characters of it": token.slice(5, 13),
  "in UTF-16": Buffer.from(id, "utf16le"),
  "in UTF-16 of the other order": Buffer.from(id, "utf16le").swap16(),
  "in hex": Buffer.from(id).toString("hex"),
  "in upper-case hex": Buffer.from(id).toString("hex").toUpperCase(),
  "in hex with blanks": Buffer.from(id).toString("hex").replaceAll(/(..)/g, "$1 "),
  "in hex behind a digit": `0${Buffer.from(id).toString("hex")}`,
  "in base64": base64(id),
  "in base64, a byte further": base64(`x${id}`),
  "in base64, two bytes further": base64(`xx${id}`),
  "in base64 for URLs": Buffer.from(`??>${id}`).toString("base64url"),
  "in base64 behind a letter": `K${base64(id)}`,
  "in base64 of base64": base64(base64(id)),
  "in base64 with line breaks": base64(`${id} and more`).replaceAll(/(.{16})/g, "$1\r\n"),
  "in base32": "NBSWY3DP".concat(base32Of(token)),
  "percent-encoded": each(token, (code) => `%${code.toString(16)}`),
  "percent-encoded twice": each(token, (code) => `%25${code.toString(16)}`),
  "in escapes of JSON": each(token, (code) => `\\u00${code.toString(16)}`),
  "in escapes of JavaScript": each(token, (code) => `\\x${code.toString(16)}`),
  "in braces of JavaScript": each(token, (code) => `\\u{${code.toString(16)}}`),
  "in octal": each(token, (code) => `\\${code.toString(8).padStart(3, "0")}`),
  "in entities of HTML": each(token, (code) => `&#${code};`),
  "in hexadecimal entities": each(token, (code) => `&#x${code.toString(16)};`),
  "quoted-printable": each(token, (code) => `=${code.toString(16).toUpperCase()}`),
  "as a list of numbers": JSON.stringify([...Buffer.from(token)]),
  "as an object of numbers": JSON.stringify({ ...new Uint8Array(Buffer.from(token)) }),
  backwards: [...token].reverse().join(""),
  "with line breaks": each(token, (code) => `${String.fromCharCode(code)}\n`),
  "with escaped line breaks": `${token.slice(0, 6)}\\n${token.slice(6, 10)}\\n${token.slice(10)}`,
  "with hyphens": each(token, (code) => `${String.fromCharCode(code)}-`),
  "in gzip": gzipSync(`${"before ".repeat(9)}${id}`),
  "in gzip, with something behind": Buffer.concat([gzipSync(id), Buffer.from("behind")]),
  "in zlib": deflateSync(id),
  "in bare deflate": deflateRawSync(id),
  "in zstd": zstdCompressSync(id),
  "in gzip in base64": gzipSync(id).toString("base64"),
  "in hex in JSON in base64": base64(JSON.stringify({ id: Buffer.from(id).toString("hex") })),
  "a UUID": uuid,
  "a UUID without hyphens": uuid.replaceAll("-", ""),
  "a UUID as bytes": Buffer.from(uuid.replaceAll("-", ""), "hex"),
  "a telephone number": `+${phone}`,
  "a trace id in hex": Buffer.from(trace).toString("hex"),
  "a trace id as bytes": trace,
  ...Object.fromEntries(
    ["md5", "sha1", "sha256", "sha512"].flatMap((algorithm) => [
      [`its ${algorithm}`, hash(algorithm, id)],
      [`the first 8 digits of its ${algorithm}`, hash(algorithm, id).toString("hex").slice(0, 8)],
      [`the first 12 digits of its ${algorithm}`, hash(algorithm, id).toString("hex", 0, 6)],
      [`its ${algorithm} in base64`, hash(algorithm, id).toString("base64")],
      [`22 characters of its ${algorithm}`, hash(algorithm, id).toString("base64url").slice(0, 22)],
    ]),
  ),
};

function base32Of(text: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = each(text, (code) => code.toString(2).padStart(8, "0"));
  return (bits.match(/.{5}/g) ?? []).map((five) => alphabet[Number.parseInt(five, 2)]).join("");
}

/** As much as a channel has, of what is in one. */
function noise(lines = 40): Buffer {
  const texts = Array.from({ length: lines }, () => {
    const random = randomBytes(40);
    return `2026-11-30T20:31:17.${random[0]}Z\tinfo\tSomething happened.\t{"a": "${random.toString("hex")}", "b": "${random.toString("base64")}", "at": ${Date.now()}${random.readUInt32BE(0)}}\n`;
  });
  return Buffer.concat([Buffer.from(texts.join("")), randomBytes(2_000)]);
}

describe("a leak is found", () => {
  for (const [title, leaked] of Object.entries(encodings)) {
    test(title, () => {
      const parts = [noise(), Buffer.from(' "'), Buffer.from(leaked as string), Buffer.from('" ')];
      const alone = title === "in bare deflate" ? [parts[2]!] : [...parts, noise()];
      expect(search.findIn("here", Buffer.concat(alone)).length).toBeGreaterThan(0);
    });
  }
});

test("what has no canary in it has no finding", () => {
  expect(search.findIn("here", noise(5_000))).toEqual([]);
});

test("a finding says which canary it is, where it came from, and how it is encoded", () => {
  const [finding] = search.findIn("the log", Buffer.from(`a "${base64(id)}" b`));
  expect(finding).toMatchObject({
    canary: { value: id, origin },
    channel: "the log",
    encoding: "base64",
  });
  expect(finding?.excerpt).toContain(token);
});

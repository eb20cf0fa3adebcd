import { describe, expect, test } from "vitest";
import { DecodedText } from "../../../src/processors/redaction/decoded-text.ts";
import {
  findDecodedValues,
  findValues,
} from "../../../src/processors/redaction/value-detectors.ts";
import fc from "../../support/fast-check.ts";

/** A text that counts how often one of its bytes is read. */
function counted(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly reads: () => number } {
  let reads = 0;
  const handler: ProxyHandler<Uint8Array> = {
    get(target, name) {
      if (typeof name === "string" && /^[0-9]+$/.test(name)) {
        reads += 1;
        return target[Number(name)];
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  };
  return { bytes: new Proxy(bytes, handler), reads: () => reads };
}

describe("the work of a search", () => {
  const units = [
    "a",
    "a@",
    "a=",
    "agent:",
    "_agent:a ",
    "eyJ",
    "-eyJ",
    "sk-",
    "://",
    "://a:b ",
    "Bearer ",
    '"password":',
    '"password":{',
    '"password":[1,',
    '"password":{"a":null,',
    '"password":["',
    "'password':{'",
    "password='",
    "password=a,",
    `password=,${"a".repeat(63)}`,
    'Authorization: a="',
    '"name":"password","value":',
    "value:",
    "--user=",
    "<a name='password'>",
    "'Authorization: ",
    '-H "Cookie: a',
    '"Cookie: a',
    '"Authorization: a',
    'Cookie: a":"',
    "Cookie: a%22:%22",
    "PWD={",
    "\x1b[",
    "\x1b[1m",
    String.raw`\033[`,
    "token\x1b[1m",
    "PWD={a}}",
    'token={"a":',
    "pwd%3D%7B",
    String.raw`pwd=\u007b`,
    "PWD%253D%257B",
    "cookie: a",
    "<password>",
    "<password><![CDATA[",
    "<password a='",
    "-----BEGIN ",
    "1:",
    ".",
    "SG.",
    "abcdef.",
    "ken ",
    "--token ",
    '"--token",',
    "-u ",
    "-u '",
    "%3",
    "%3A",
    "%25",
    "\\",
    String.raw`\"password\":`,
    String.raw`\u003a`,
    "agent%3A",
    "/agent:a/",
    "a%40",
    "s/",
    "/webhooks/1",
    `${"a".repeat(64)}@${"b".repeat(60)}`,
    `${"a-".repeat(31)}=`,
    "password: |\n ",
    "password: |\n",
    "password: >\n\n  ",
    '"password":\n ',
    'password="""',
    "password='''a'",
    "[password] => ",
    "sshpass -p ",
    "mysql -p",
    "curl -ua",
    " password ",
    "machine a login b password ",
    "identified by ",
    "ConvertTo-SecureString ",
    "oracle:thin:",
    "API Key",
    "API Key: ",
    "password：",
    "1234567@lid",
    "a@[",
    '"--token",\n',
    "Authorization: 'Token' a",
    'password=["a"]b',
    "password:\n value: ",
    "PWD=/a",
    "/webhook/",
    "a'",
    "a'a@b.co",
    "'/@b.co",
    '{"value":"',
    ",value:a,value=a",
    "{value:{",
    ' name="a" a="b" c="d" value="',
    ' value="a" a="b" c="d" name="',
    "password='a'b ",
    "password='a'b'c",
    "token='a'b=",
    "--token 'a'b,",
    "token=[",
    "token=[]",
    "token=[x]y",
    "token={x",
    "token==",
    "token==a",
    "token==a)",
    "Authorization: Token 'a",
    "token: Bearer '",
    "token: Bearer 'a' ",
    String.raw`password=a\\n`,
    String.raw`"password=a\\n`,
  ];
  /** Reads for each byte; a byte that is looked at from each other one would be read thousands of times. */
  const most = 200;

  function readsPerByte(text: string): number {
    const { bytes, reads } = counted(Buffer.from(text));
    findValues(bytes, 0, bytes.length, () => {});
    return reads() / bytes.length;
  }

  function decodedReadsPerByte(written: string): number {
    const text = new DecodedText(Buffer.from(written), 0, Buffer.byteLength(written));
    const bytes = counted(text.bytes);
    const levels = counted(text.levels);
    findDecodedValues(
      {
        bytes: bytes.bytes,
        levels: levels.bytes,
        length: text.length,
        sourceStart: (at) => text.sourceStart(at),
        sourceEnd: (at) => text.sourceEnd(at),
      },
      () => {},
    );
    return (bytes.reads() + levels.reads()) / text.length;
  }

  for (const unit of units) {
    test(`is in proportion to the length of ${JSON.stringify(unit.slice(0, 20))} repeated`, () => {
      const text = unit.repeat(Math.ceil(12_000 / unit.length));
      expect(readsPerByte(text)).toBeLessThan(most);
      expect(decodedReadsPerByte(text)).toBeLessThan(most);
      // Escaped once more.
      expect(decodedReadsPerByte(encodeURIComponent(text))).toBeLessThan(most);
      expect(decodedReadsPerByte(JSON.stringify(text))).toBeLessThan(most);
    });
  }

  test("is in proportion to the length of any of these behind each other", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...units), { minLength: 2, maxLength: 6 }), (parts) => {
        const unit = parts.join("");
        const text = unit.repeat(Math.ceil(8_000 / unit.length));
        expect(readsPerByte(text)).toBeLessThan(most);
        expect(decodedReadsPerByte(text)).toBeLessThan(most);
      }),
      { numRuns: 100 },
    );
  });
});

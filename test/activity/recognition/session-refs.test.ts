import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { SessionRefs } from "../../../src/activity/recognition/session-refs.ts";
import { sessionRef } from "../../../src/privacy/session-ref.ts";

const bytes = Buffer.from("__agent:main:a");
const numberOf = (key: string | Uint8Array, text: string) =>
  Number.parseInt(sessionRef(key, text), 16);

test("a reference is that of the bytes between start and end, also when it is looked up again", () => {
  const key = randomBytes(32);
  const refs = new SessionRefs({ configured: undefined, random: key });
  const want = numberOf(key, "agent:main:a");
  expect(refs.of({ hi: 1, lo: 2 }, bytes, 2, bytes.length)).toBe(want);
  expect(refs.of({ hi: 1, lo: 2 }, Buffer.from("not read"), 0, 8)).toBe(want);
});

test("sessions with one half of the hash in common have references of their own", () => {
  const refs = new SessionRefs({ configured: undefined, random: randomBytes(32) });
  const first = refs.of({ hi: 1, lo: 2 }, bytes, 2, bytes.length);
  const second = refs.of({ hi: 9, lo: 2 }, bytes, 0, bytes.length);
  expect(second).not.toBe(first);
  expect(refs.of({ hi: 1, lo: 2 }, bytes, 2, bytes.length)).toBe(first);
});

test("a stored key replaces a random one, and not that of the config", () => {
  const [random, stored] = [randomBytes(32), randomBytes(32)];
  const configured = "a key of the config, 32 characters";
  for (const [of, key] of [
    [undefined, stored],
    [configured, configured],
  ] as const) {
    const refs = new SessionRefs({ configured: of, random });
    refs.of({ hi: 1, lo: 2 }, bytes, 2, bytes.length);
    refs.restoreKey(stored);
    expect(refs.of({ hi: 1, lo: 2 }, bytes, 2, bytes.length)).toBe(numberOf(key, "agent:main:a"));
  }
});

test("more sessions than are kept have the same references again", () => {
  const refs = new SessionRefs({ configured: undefined, random: randomBytes(32) });
  const refOf = (session: number) => {
    const text = Buffer.from(`session ${session}`);
    return refs.of({ hi: session, lo: -session }, text, 0, text.length);
  };
  const first = refOf(0);
  for (let session = 1; session < 20_000; session++) {
    refOf(session);
  }
  expect(refOf(0)).toBe(first);
});

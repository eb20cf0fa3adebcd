import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashSync } from "bcryptjs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Component } from "../../../src/component/component.ts";
import { factory } from "../../../src/extensions/basic_auth/factory.ts";
import { testSettings } from "../../exporters/settings.ts";

let folder: string;
const opened: Component[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "basic-"));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.shutdown(AbortSignal.abort())));
  await rm(folder, { recursive: true });
});

function basic(user: string, password: string) {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}

async function open(section: object) {
  const { settings, log, clock } = testSettings("basic_auth");
  const component = factory.create(settings, section);
  opened.push(component);
  await component.start();
  const server = component.authenticator?.server;
  return {
    component,
    log,
    clock,
    answer: async (headers: Record<string, string>) => server?.authenticate(headers),
    accepts: async (user: string, password: string) =>
      (await server?.authenticate(basic(user, password)))?.ok,
    sent: () => component.authenticator?.client?.headers(),
  };
}

const sha1 = (text: string) => createHash("sha1").update(text).digest();
const salt = Buffer.from("salt");
const hashes = {
  // Made by openssl passwd -apr1.
  apr1: "$apr1$r31aaaaa$bGI/jz1Nbv8bJbWq0jG0K1",
  bcrypt: hashSync("myPassword", 4).replace("$2b$", "$2y$"),
  sha: `{SHA}${sha1("myPassword").toString("base64")}`,
  ssha: `{SSHA}${Buffer.concat([sha1(`myPassword${salt}`), salt]).toString("base64")}`,
  plain: "myPassword",
} as const;

describe("a user of htpasswd", () => {
  for (const [kind, hash] of Object.entries(hashes)) {
    test(`with a password as ${kind} is let in with this password only`, async () => {
      const { accepts } = await open({ htpasswd: { inline: `user:${hash}` } });
      expect(await accepts("user", "myPassword")).toBe(true);
      expect(await accepts("user", "myPassword")).toBe(true);
      expect(await accepts("user", "mypassword")).toBe(false);
      expect(await accepts("user", "myPassword")).toBe(true);
      expect(await accepts("user", "")).toBe(false);
      expect(await accepts("user", hash)).toBe(kind === "plain");
      expect(await accepts("other", "myPassword")).toBe(false);
    });
  }

  test("is the client, and another one is another client", async () => {
    const { answer } = await open({ htpasswd: { inline: "a:1\nb:1" } });
    expect(await answer(basic("a", "1"))).toEqual({ ok: true, client: "a" });
    expect(await answer(basic("b", "1"))).toEqual({ ok: true, client: "b" });
  });

  for (const [kind, hash] of Object.entries(hashes)) {
    test(`with a password as ${kind} is the client of the request`, async () => {
      const { answer } = await open({ htpasswd: { inline: `user:${hash}` } });
      const found = await answer(basic("user", "myPassword"));
      expect(found).toEqual({ ok: true, client: "user" });
    });
  }

  test("may have a colon in the password, but not in the name", async () => {
    const { accepts } = await open({ htpasswd: { inline: "user:a:b" } });
    expect(await accepts("user", "a:b")).toBe(true);
  });

  test("of inline overrides the one of the file", async () => {
    const file = join(folder, "htpasswd");
    await writeFile(file, "# comment\n\na:1\nb:2\n");
    const { accepts } = await open({ htpasswd: { file, inline: "b:3" } });
    expect(await accepts("a", "1")).toBe(true);
    expect(await accepts("b", "2")).toBe(false);
    expect(await accepts("b", "3")).toBe(true);
  });

  test("of a changed file is known while running, and one that is gone is not", async () => {
    const file = join(folder, "htpasswd");
    await writeFile(file, `old:${hashes.bcrypt}`);
    const { accepts, clock } = await open({ htpasswd: { file } });
    expect(await accepts("old", "myPassword")).toBe(true);
    await writeFile(file, `old:${hashSync("changed", 4)}\nnew:1`);
    clock.advance(2_000);
    await expect.poll(() => accepts("new", "1")).toBe(true);
    expect(await accepts("old", "myPassword")).toBe(false);
    expect(await accepts("old", "changed")).toBe(true);
  });
});

test("what is no Basic authentication is refused, with a challenge", async () => {
  const { answer, component } = await open({ htpasswd: { inline: "user:x" } });
  for (const authorization of ["", "Basic", "Basic !!!", "Bearer x", "Basic dXNlcg=="]) {
    expect(await answer({ authorization })).toMatchObject({ refused: "unauthenticated" });
  }
  expect(await answer({})).toMatchObject({ refused: "unauthenticated" });
  expect(component.authenticator?.server?.challenge).toMatch(/^Basic realm=/);
});

test("many wrong passwords neither hold up senders that are known nor the event loop, and are bounded", async () => {
  const costly = hashSync("right", 12);
  const { answer, accepts } = await open({ htpasswd: { inline: `a:${costly}\nb:${costly}` } });
  expect(await accepts("a", "right")).toBe(true);
  const attack = Array.from({ length: 200 }, (_, index) => answer(basic("a", `wrong ${index}`)));
  const turns = { longestMs: 0, last: performance.now(), isOver: false };
  const watch = () => {
    const nowMs = performance.now();
    turns.longestMs = Math.max(turns.longestMs, nowMs - turns.last);
    turns.last = nowMs;
    if (!turns.isOver) {
      setImmediate(watch);
    }
  };
  watch();
  const startedMs = performance.now();
  expect(await accepts("a", "right")).toBe(true);
  // One check takes longer than this: the known sender needed none.
  expect(performance.now() - startedMs).toBeLessThan(100);
  // Another user has a place in the queue, however many guesses of the first wait.
  expect(await accepts("b", "right")).toBe(true);
  const results = await Promise.all(attack);
  turns.isOver = true;
  const refusals = results.map((each) => (each?.ok === false ? each.refused : "let in"));
  expect(new Set(refusals)).toEqual(new Set(["unauthenticated", "busy"]));
  expect(refusals.filter((each) => each === "unauthenticated")).toHaveLength(8);
  // On a loaded machine a turn of the loop may take long; one that checks passwords would take seconds.
  expect(turns.longestMs).toBeLessThan(1_000);
});

test("one wrong password that is sent again and again is checked once", async () => {
  const { answer } = await open({ htpasswd: { inline: `a:${hashSync("right", 12)}` } });
  const startedMs = performance.now();
  const results = await Promise.all(Array.from({ length: 100 }, () => answer(basic("a", "wrong"))));
  expect(results.every((each) => each?.ok === false && each.refused === "unauthenticated")).toBe(
    true,
  );
  const firstMs = performance.now() - startedMs;
  for (let times = 0; times < 20; times += 1) {
    await answer(basic("a", "wrong"));
  }
  expect(performance.now() - startedMs).toBeLessThan(3 * firstMs);
});

describe("htpasswd that cannot be used is an error at the start, which does not quote it", () => {
  for (const [title, inline, message] of [
    ["a line without a colon", "topsecret", "Line 1 of htpasswd is not user:hash"],
    ["a line without a user", "a:b\n:topsecret", "Line 2 of htpasswd"],
    ["a user without a hash", "a:", "is empty"],
    ["an unknown kind", "a:$6$topsecret$x", "make it with htpasswd -B"],
    ["a bcrypt hash that was cut", "a:$2y$10$topsecret", "damaged"],
    ["an unknown scheme", "a:{CRYPT}topsecret", "not supported"],
    ["a cost that takes seconds", `a:$2y$31$${"a".repeat(53)}`, "a cost above 14"],
  ] as const) {
    test(title, async () => {
      const failed = await open({ htpasswd: { inline } }).catch((error: unknown) => String(error));
      expect(failed).toContain(message);
      expect(failed).not.toContain("topsecret");
    });
  }
});

describe("a client", () => {
  test("sends the user and the password", async () => {
    const { sent } = await open({ client_auth: { username: "user", password: "pässword" } });
    expect(sent()).toEqual(basic("user", "pässword"));
  });

  test("sends those of files, and of changed files while running", async () => {
    const username_file = join(folder, "user");
    const password_file = join(folder, "password");
    await writeFile(username_file, "user\n");
    await writeFile(password_file, " secret \r\n");
    const { sent, clock, log } = await open({ client_auth: { username_file, password_file } });
    expect(sent()).toEqual(basic("user", " secret "));
    await writeFile(password_file, "changed");
    clock.advance(2_000);
    await expect.poll(sent).toEqual(basic("user", "changed"));
    expect(JSON.stringify(log)).not.toMatch(/secret|changed"/);
  });

  test("of a file that is missing does not start", async () => {
    const section = { client_auth: { username: "a", password_file: join(folder, "none") } };
    await expect(open(section)).rejects.toThrow("client_auth.password_file");
  });
});

for (const [title, section, message] of [
  ["nothing", {}, "must have htpasswd, for servers, or client_auth"],
  [
    "both sides",
    { htpasswd: { inline: "a:b" }, client_auth: { username: "a", password: "b" } },
    "Write two",
  ],
  ["an empty htpasswd", { htpasswd: {} }, "must have a file or inline"],
  ["no password", { client_auth: { username: "a" } }, "write password or password_file"],
  [
    "a password twice",
    { client_auth: { username: "a", password: "b", password_file: "c" } },
    "keep one",
  ],
  ["a colon in the user", { client_auth: { username: "a:b", password: "c" } }, "colon"],
] as const) {
  test(`${title} is refused`, () => {
    const { error } = factory.schema.safeParse(section);
    expect(error?.issues[0]?.message).toContain(message);
  });
}

test("it works on the side that its section is about", () => {
  expect(factory.authenticates?.({ htpasswd: { inline: "a:b" } })).toEqual(["server"]);
  expect(factory.authenticates?.({ client_auth: { username: "a", password: "b" } })).toEqual([
    "client",
  ]);
});

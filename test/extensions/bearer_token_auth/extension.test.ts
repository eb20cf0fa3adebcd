import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RequestHeaders } from "../../../src/component/authenticator.ts";
import type { Component } from "../../../src/component/component.ts";
import { factory } from "../../../src/extensions/bearer_token_auth/factory.ts";
import { testSettings } from "../../exporters/settings.ts";

let folder: string;
const opened: Component[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bearer-"));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.shutdown(AbortSignal.abort())));
  await rm(folder, { recursive: true });
});

async function open(section: object) {
  const { settings, log, clock } = testSettings("bearer_token_auth");
  const component = factory.create(settings, section);
  opened.push(component);
  await component.start();
  const accepts = async (headers: RequestHeaders) =>
    (await component.authenticator?.server?.authenticate(headers))?.ok;
  const client = async (token: string) => {
    const answer = await component.authenticator?.server?.authenticate({
      authorization: `Bearer ${token}`,
    });
    return answer?.ok === true ? answer.client : undefined;
  };
  return {
    component,
    log,
    clock,
    accepts,
    client,
    sent: () => component.authenticator?.client?.headers(),
  };
}

describe("a request", () => {
  for (const [title, section, headers, isIn] of [
    ["with the token", { token: "abc" }, { authorization: "Bearer abc" }, true],
    ["with the scheme in another case", { token: "abc" }, { authorization: "bearer abc" }, true],
    ["with another token", { token: "abc" }, { authorization: "Bearer abd" }, false],
    ["with the beginning of the token", { token: "abc" }, { authorization: "Bearer ab" }, false],
    ["with a longer token", { token: "abc" }, { authorization: "Bearer abcd" }, false],
    ["with the token in another case", { token: "abc" }, { authorization: "Bearer ABC" }, false],
    ["with another scheme", { token: "abc" }, { authorization: "Basic abc" }, false],
    ["with the token alone", { token: "abc" }, { authorization: "abc" }, false],
    ["with an empty token", { token: "abc" }, { authorization: "Bearer " }, false],
    ["without a token", { token: "abc" }, {}, false],
    ["with the second of several", { tokens: ["a", "b"] }, { authorization: "Bearer b" }, true],
    ["with none of several", { tokens: ["a", "b"] }, { authorization: "Bearer c" }, false],
    ["with a scheme of its own", { token: "a", scheme: "Api" }, { authorization: "Api a" }, true],
    ["without a scheme if there is none", { token: "a", scheme: "" }, { authorization: "a" }, true],
    ["with a header of its own", { token: "a", header: "X-Key" }, { "x-key": "Bearer a" }, true],
    ["with another header", { token: "a", header: "X-Key" }, { authorization: "Bearer a" }, false],
    ["with the header twice", { token: "a" }, { authorization: ["Bearer a", "Bearer b"] }, true],
  ] as const) {
    test(`${title} is ${isIn ? "let in" : "refused"}`, async () => {
      const { accepts } = await open(section);
      expect(await accepts(headers)).toBe(isIn);
    });
  }
});

test("each token is of a client of its own, whose name says nothing of the token", async () => {
  const { client } = await open({ tokens: ["secret-a", "secret-b"] });
  const [first, second] = [await client("secret-a"), await client("secret-b")];
  expect(await client("secret-a")).toBe(first);
  expect(first).not.toBe(second);
  expect(`${first} ${second}`).not.toContain("secret");
});

test("requests that are sent have the first token", async () => {
  const { sent } = await open({ tokens: ["first", "second"], header: "X-Key", scheme: "Key" });
  expect(sent()).toEqual({ "x-key": "Key first" });
});

describe("the client of a token", () => {
  const accountOf = async (component: Component, token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await component.authenticator?.server?.authenticate(headers);
    return answer?.ok === true ? answer.account || "nobody in particular" : "refused";
  };
  const nobody = "nobody in particular";

  test("is the same wherever the token is in the list, and does not show it", async () => {
    const [one, two] = await Promise.all(
      [
        ["secret-a", "secret-b"],
        ["new", "secret-b", "secret-a"],
      ].map(async (tokens) => {
        const { component } = await open({ tokens });
        return Promise.all(tokens.map(async (each) => [each, await accountOf(component, each)]));
      }),
    );
    const names = new Map(two?.map(([token, name]) => [token, name]));
    expect(one?.map(([token]) => names.get(token))).toEqual(one?.map(([, name]) => name));
    expect(new Set(names.values()).size).toBe(3);
    expect(JSON.stringify([...names.values()])).not.toContain("secret");
  });

  test("is the same for all tokens of a file, so that an exchange makes nobody another client", async () => {
    const filename = join(folder, "tokens");
    await writeFile(filename, "old\nnew\n");
    const { component, clock } = await open({ filename });
    expect([await accountOf(component, "old"), await accountOf(component, "new")]).toEqual([
      nobody,
      nobody,
    ]);
    await writeFile(filename, "new\n");
    clock.advance(2_000);
    await expect.poll(() => accountOf(component, "old")).toBe("refused");
    expect(await accountOf(component, "new")).toBe(nobody);
  });

  test("is the same for the only token, whatever it is", async () => {
    const { component } = await open({ token: "a" });
    expect(await accountOf(component, "a")).toBe(nobody);
  });

  test("has the name that the config gives it, with any of its tokens, also when its file changes", async () => {
    const filename = join(folder, "b");
    await writeFile(filename, "b1\n");
    const { component, clock, sent, log } = await open({
      token: "own",
      clients: [
        { name: "a", tokens: ["a1", "a2"] },
        { name: "b", filename },
      ],
    });
    const found = await Promise.all(
      ["own", "a1", "a2", "b1"].map((each) => accountOf(component, each)),
    );
    expect(found).toEqual([nobody, "a", "a", "b"]);
    await writeFile(filename, "b2\n");
    clock.advance(2_000);
    await expect.poll(() => accountOf(component, "b2")).toBe("b");
    expect(await accountOf(component, "b1")).toBe("refused");
    expect(sent()).toEqual({ authorization: "Bearer own" });
    await writeFile(filename, "b3\na1\n");
    clock.advance(2_000);
    await expect.poll(() => log.filter(({ level }) => level === "error")).toHaveLength(1);
    expect([await accountOf(component, "a1"), await accountOf(component, "b2")]).toEqual([
      "a",
      "b",
    ]);
    expect(JSON.stringify(log)).toContain("another client");
  });

  test("that has a name only is no reason to send a token", async () => {
    const section = { clients: [{ name: "a", token: "a1" }] };
    const { sent } = await open(section);
    expect(sent()).toEqual({});
    expect(factory.authenticates?.(section)).toEqual(["server"]);
    expect(factory.authenticates?.({ token: "a" })).toEqual(["server", "client"]);
  });
});

test("before the start nothing is let in, and nothing is sent", async () => {
  const component = factory.create(testSettings("bearer_token_auth").settings, { token: "a" });
  const answer = await component.authenticator?.server?.authenticate({ authorization: "Bearer a" });
  expect(answer?.ok).toBe(false);
  expect(component.authenticator?.client?.headers()).toEqual({});
});

describe("a file", () => {
  test("has one token per line, and a changed one is used while running", async () => {
    const filename = join(folder, "tokens");
    await writeFile(filename, "one\r\n\n  two  \n");
    const { accepts, sent, clock, log } = await open({ filename });
    expect(await accepts({ authorization: "Bearer one" })).toBe(true);
    expect(await accepts({ authorization: "Bearer two" })).toBe(true);
    expect(await accepts({ authorization: "Bearer " })).toBe(false);
    await writeFile(filename, "three");
    clock.advance(2_000);
    await expect.poll(() => accepts({ authorization: "Bearer three" })).toBe(true);
    expect(await accepts({ authorization: "Bearer one" })).toBe(false);
    expect(sent()).toEqual({ authorization: "Bearer three" });
    expect(log.filter(({ level }) => level === "info")).toHaveLength(1);
    expect(JSON.stringify(log)).not.toMatch(/"(one|two|three)"/);
  });

  test("that is empty or gone while running leaves the tokens before in use, with a line", async () => {
    const filename = join(folder, "tokens");
    await writeFile(filename, "topsecret");
    const { accepts, clock, log } = await open({ filename });
    await writeFile(filename, "\n");
    clock.advance(2_000);
    await expect.poll(() => log.filter(({ level }) => level === "error")).toHaveLength(1);
    await rm(filename);
    clock.advance(60_000);
    await expect.poll(() => log.filter(({ level }) => level === "error")).toHaveLength(2);
    expect(await accepts({ authorization: "Bearer topsecret" })).toBe(true);
    expect(JSON.stringify(log)).not.toContain("topsecret");
  });

  for (const [title, text, message] of [
    ["that is empty", "\n\n", "has no token"],
    ["with a control character", "ok\nto\u0001p", "The token in line 2"],
  ] as const) {
    test(`${title} is an error at the start, which does not quote it`, async () => {
      const filename = join(folder, "tokens");
      await writeFile(filename, text);
      await expect(open({ filename })).rejects.toThrow(message);
      await expect(open({ filename })).rejects.not.toThrow("to\u0001p");
    });
  }

  test("that is missing is an error at the start", async () => {
    await expect(open({ filename: join(folder, "none") })).rejects.toThrow(
      "cannot be read (ENOENT)",
    );
  });
});

for (const [title, section, message] of [
  ["no token", {}, "must have a token, tokens, a filename or clients"],
  ["a token twice", { token: "a", tokens: ["b"] }, "is set beside token"],
  ["a token beside a file", { token: "a", filename: "b" }, "is set beside a token"],
  ["an empty token", { token: "" }, "is empty"],
  ["a line break", { token: "topsecret\n" }, "not allowed in a header"],
  ["a token in two places", { tokens: ["a", "topsecret", "topsecret"] }, "is set twice"],
  [
    "a token of two clients",
    { token: "topsecret", clients: [{ name: "a", token: "topsecret" }] },
    "is set twice",
  ],
  ["a client without tokens", { clients: [{ name: "a" }] }, "must have a token"],
  ["no client", { clients: [] }, "must have at least one client"],
  [
    "two clients of one name",
    {
      clients: [
        { name: "a", token: "b" },
        { name: "a", token: "c" },
      ],
    },
    "is the name of another client",
  ],
  ["a client without a name", { clients: [{ name: "", token: "a" }] }, "must be a short name"],
  ["a scheme of two words", { token: "a", scheme: "a b" }, "must be one word"],
] as const) {
  test(`${title} is refused, without the token`, () => {
    const { error } = factory.schema.safeParse(section);
    expect(error?.issues[0]?.message).toContain(message);
    expect(JSON.stringify(error?.issues)).not.toContain("topsecret");
  });
}

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
  ["no token", {}, "must have a token, tokens or a filename"],
  ["a token twice", { token: "a", tokens: ["b"] }, "is set beside token"],
  ["a token beside a file", { token: "a", filename: "b" }, "is set beside a token"],
  ["an empty token", { token: "" }, "is empty"],
  ["a line break", { token: "topsecret\n" }, "not allowed in a header"],
  ["a scheme of two words", { token: "a", scheme: "a b" }, "must be one word"],
] as const) {
  test(`${title} is refused, without the token`, () => {
    const { error } = factory.schema.safeParse(section);
    expect(error?.issues[0]?.message).toContain(message);
    expect(JSON.stringify(error?.issues)).not.toContain("topsecret");
  });
}

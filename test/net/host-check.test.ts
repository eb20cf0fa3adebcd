import { describe, expect, test } from "vitest";
import { createHostCheck } from "../../src/net/host-check.ts";

const isAllowed = createHostCheck(["MyHost", "collector.example.com", "*.team.example"]);

describe("the host of a request", () => {
  for (const host of [
    "localhost",
    "LOCALHOST:4318",
    "localhost.",
    "app.localhost:4318",
    "127.0.0.1:4318",
    "127.1.2.3",
    "10.0.0.7:4318",
    "[::1]:4318",
    "[fe80::1]",
    "myhost:4318",
    "collector.example.com",
    "Collector.Example.Com.:4318",
    "a.team.example",
    "a.b.team.example",
    "host.docker.internal:4318",
    "host.containers.internal",
  ]) {
    test(`may be ${host}`, () => expect(isAllowed({ host })).toBe(true));
  }

  for (const host of [
    "evil.example",
    "evil.example:4318",
    "localhost.evil.example",
    "evil-localhost",
    "127.0.0.1.evil.example",
    "team.example",
    "collector.example.com.evil.example",
    "x",
    "",
    ":4318",
    ".localhost",
    "evil.example#localhost",
    "localhost@evil.example",
    "localhost, evil.example",
    "*",
    "[evil.example]",
  ]) {
    test(`may not be "${host}"`, () => expect(isAllowed({ host })).toBe(false));
  }

  test("may be left out, as in HTTP/1.0", () => {
    expect(isAllowed({})).toBe(true);
    expect(isAllowed({ url: "/v1/traces" })).toBe(true);
  });

  test("counts in an absolute target, too", () => {
    expect(isAllowed({ host: "localhost", url: "http://localhost:4318/v1/traces" })).toBe(true);
    expect(isAllowed({ host: "localhost", url: "http://evil.example/v1/traces" })).toBe(false);
    expect(isAllowed({ host: "evil.example", url: "http://localhost/v1/traces" })).toBe(false);
  });

  test("may be any with *", () => {
    expect(createHostCheck(["*"])({ host: "evil.example" })).toBe(true);
  });
});

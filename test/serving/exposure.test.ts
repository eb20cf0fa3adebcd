import { expect, test } from "vitest";
import { exposureOf, isInContainer } from "../../src/serving/exposure.ts";

const open = { hasAuthentication: false, hasTls: false };
const machine = { isContainer: false };

for (const address of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
  test(`a server on ${address} is open to this machine only`, () => {
    expect(exposureOf(address, open, machine)).toBeUndefined();
  });
}

for (const [address, message] of [
  ["0.0.0.0", "Using the 0.0.0.0 address exposes this server to every network interface"],
  ["::", "Using the :: address exposes this server to every network interface"],
  ["10.0.0.7", "This server is exposed to a network"],
  ["fd00::7", "This server is exposed to a network"],
] as const) {
  test(`a server on ${address} without TLS and authentication gets a warning with the remedy`, () => {
    const exposure = exposureOf(address, open, machine);
    expect(exposure?.level).toBe("warn");
    expect(exposure?.message).toContain(message);
    expect(exposure?.message).toContain("add tls and auth");
  });
}

test("in a container, where there is no other address, it is no warning", () => {
  expect(exposureOf("0.0.0.0", open, { isContainer: true })?.level).toBe("info");
});

test("authentication without TLS is a warning about the credentials, in a container as well", () => {
  const exposure = exposureOf(
    "0.0.0.0",
    { hasAuthentication: true, hasTls: false },
    { isContainer: true },
  );
  expect(exposure?.message).toContain("credentials are readable");
});

for (const hasAuthentication of [true, false]) {
  test(`with TLS and ${hasAuthentication ? "" : "no "}authentication there is nothing to say`, () => {
    expect(exposureOf("0.0.0.0", { hasTls: true, hasAuthentication }, machine)).toBeUndefined();
  });
}

test("containers are known by the marks of their runtimes", () => {
  const none = () => false;
  expect(isInContainer({}, none)).toBe(false);
  expect(isInContainer({ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, none)).toBe(true);
  expect(isInContainer({ container: "podman" }, none)).toBe(true);
  expect(isInContainer({}, (path) => path === "/.dockerenv")).toBe(true);
  expect(isInContainer({}, (path) => path === "/run/.containerenv")).toBe(true);
});

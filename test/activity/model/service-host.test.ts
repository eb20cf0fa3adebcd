import { expect, test } from "vitest";
import { hostOf, serviceHostOf, serviceOf } from "../../../src/activity/model/service-host.ts";

const largest = 16_383;

for (const [host, service] of [
  [1, 1],
  [1, largest],
  [largest, 1],
  [largest, largest],
] as const) {
  test(`service ${service} on host ${host} keeps both numbers, as an int32 above 0`, () => {
    const serviceHost = serviceHostOf(host, service);
    expect([hostOf(serviceHost), serviceOf(serviceHost)]).toEqual([host, service]);
    expect(Int32Array.of(serviceHost)[0]).toBe(serviceHost);
    expect(serviceHost).toBeGreaterThan(0);
  });
}

test("an unknown service host has no host and no service", () => {
  expect([hostOf(0), serviceOf(0)]).toEqual([0, 0]);
});

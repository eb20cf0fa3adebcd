import { expect, test } from "vitest";
import { StoreWait } from "../../../src/processors/session_activity/store-wait.ts";
import { deferred } from "../../support/deferred.ts";

/** What has become of a wait that begins at 5 s, after `act`. */
async function afterwards(act: (wait: StoreWait, stored: () => void) => void): Promise<string> {
  const stored = deferred<void>();
  const wait = new StoreWait(() => stored.promise);
  const waiting = wait.wait(5_000).then(() => "over");
  act(wait, () => stored.resolve());
  const aMoment = new Promise<string>((resolve) => setImmediate(() => resolve("waiting")));
  return Promise.race([waiting, aMoment]);
}

for (const [title, act, outcome] of [
  ["goes on while it is not", () => {}, "waiting"],
  ["is over when it is", (_, stored) => stored(), "over"],
  ["goes on for a second", (wait) => wait.onTick(5_999), "waiting"],
  ["is over after a second", (wait) => wait.onTick(6_000), "over"],
  ["is over at the end", (wait) => wait.end(), "over"],
] as const satisfies readonly (readonly [string, Parameters<typeof afterwards>[0], string])[]) {
  test(`a wait for what was counted to be stored ${title}`, async () => {
    expect(await afterwards(act)).toBe(outcome);
  });
}

test("after the end there is no wait", async () => {
  const wait = new StoreWait(() => new Promise(() => {}));
  wait.end();
  await wait.wait(0);
});

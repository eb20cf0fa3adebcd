import { expect, test } from "vitest";
import type { StopSignal } from "../../src/cli/host.ts";
import { createStopRequests } from "../../src/cli/stop-requests.ts";
import { FakeClock } from "../support/fake-clock.ts";

for (const [name, signals, want] of [
  [
    "the first signal drains, the second ends it",
    [
      [0, "SIGTERM"],
      [5_000, "SIGTERM"],
    ],
    ["drain", "exit"],
  ],
  [
    "one key press that a wrapper passes on is one request",
    [
      [0, "SIGINT"],
      [249, "SIGINT"],
    ],
    ["drain", "ignore"],
  ],
  [
    "the key pressed again after a quarter of a second insists",
    [
      [0, "SIGINT"],
      [100, "SIGINT"],
      [250, "SIGINT"],
    ],
    ["drain", "ignore", "ignore"],
  ],
  [
    "a slow second press insists",
    [
      [0, "SIGINT"],
      [250, "SIGINT"],
    ],
    ["drain", "exit"],
  ],
  [
    "two different signals are two requests",
    [
      [0, "SIGINT"],
      [10, "SIGTERM"],
    ],
    ["drain", "exit"],
  ],
] satisfies readonly [string, readonly (readonly [number, StopSignal])[], readonly string[]][]) {
  test(name, () => {
    const clock = new FakeClock();
    const startMs = clock.nowMs();
    const decide = createStopRequests(clock);
    const decisions = signals.map(([atMs, signal]) => {
      clock.advance(startMs + atMs - clock.nowMs());
      return decide(signal);
    });
    expect(decisions).toEqual(want);
  });
}

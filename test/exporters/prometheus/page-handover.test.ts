import { afterEach, expect, test } from "vitest";
import type { Component } from "../../../src/component/component.ts";
import { factory } from "../../../src/exporters/prometheus/factory.ts";
import { ListeningSockets } from "../../../src/net/listening-sockets.ts";
import { noDeadline, testSettings } from "../settings.ts";
import { at, requestOf } from "./passed-page.ts";

const running: Component[] = [];
afterEach(() => Promise.all(running.splice(0).map((each) => each.shutdown(noDeadline()))));

/** An exporter that was sent a delta of 3, and one with `section` that has replaced it. */
async function replaced(section: object) {
  const pool = new ListeningSockets();
  const owners = [pool.ownedBy("prometheus"), pool.ownedBy("prometheus")] as const;
  const first = testSettings("prometheus");
  const old = factory.create(
    { ...first.settings, sockets: owners[0] },
    { endpoint: "127.0.0.1:0" },
  );
  const consumer = old.exporter!.consumer!("metrics");
  owners[0].activate();
  await old.start();
  await consumer.consume({ signal: "metrics", bytes: delta(1), items: 1 });
  owners[0].setReplaceable(true);
  const second = testSettings("prometheus");
  const heir = factory.create(
    {
      ...second.settings,
      clock: first.clock,
      sockets: owners[1],
      replaces: { sharesStorage: false },
    },
    { endpoint: "127.0.0.1:0", ...section },
  );
  const next = heir.exporter!.consumer!("metrics");
  await heir.start();
  heir.state!.takeOver(old.state!.handOver());
  owners[1].activate();
  await old.shutdown(noDeadline());
  running.push(heir);
  await next.consume({ signal: "metrics", bytes: delta(2), items: 1 });
  const endpoint = second.log.find(({ fields }) => fields?.["endpoint"])!.fields!["endpoint"];
  const page = await (await fetch(`http://${String(endpoint)}/metrics`)).text();
  return { page, log: second.log };
}

/** An increase by 3 in this second. */
function delta(second: number): Uint8Array {
  const point = { asInt: "3", startTimeUnixNano: at(second - 1), timeUnixNano: at(second) };
  const sum = { aggregationTemporality: 1, isMonotonic: true, dataPoints: [point] };
  return requestOf([{ name: "things", sum }]);
}

test("the metrics of senders go on at an exporter with another endpoint", async () => {
  const { page } = await replaced({ endpoint: "localhost:0" });
  expect(page).toMatch(/^things_total(\{.*\})? 6$/m);
});

test("the metrics of senders go on when only send_timestamps has changed, and have their times", async () => {
  const { page } = await replaced({ send_timestamps: true });
  expect(page).toMatch(/^things_total(\{.*\})? 6 \d+$/m);
});

test("the metrics of senders begin again when the options of the page have changed, which is logged", async () => {
  const { page, log } = await replaced({ max_series: 10 });
  expect(page).toMatch(/^things_total(\{.*\})? 3$/m);
  expect(log.some(({ message }) => message.includes("have changed"))).toBe(true);
});

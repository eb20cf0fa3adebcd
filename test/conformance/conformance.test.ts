import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sections } from "./all-rows.ts";
import { openBackend, openBackends } from "./backend.ts";
import { startCollectorUnderTest } from "./collector.ts";
import type { Bench } from "./peers.ts";
import type { ClientRow, ServerRow } from "./row.ts";
import { runRow } from "./run-row.ts";

let bench: Bench;

beforeAll(async () => {
  const backends = await openBackends();
  const latePorts = {
    "http/protobuf": await unusedPort(),
    "http/json": await unusedPort(),
    grpc: await unusedPort(),
  };
  const collector = await startCollectorUnderTest(backends, latePorts);
  bench = { backends, latePorts, collector };
});

afterAll(async () => {
  await bench.collector.close();
  await bench.backends.close();
});

/** A port on which nobody listens, and which the system gives to nobody who asks for any: those begin at 32768. */
async function unusedPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const backend = await openBackend("http", async () => "disconnect", port).catch(
      () => undefined,
    );
    if (backend !== undefined) {
      await backend.close();
      return port;
    }
  }
}

const rows = sections.flatMap((section) => section.rows);

describe("the suite", () => {
  test("has an id of its own for every sentence", () => {
    const ids = rows.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  test("has a wrong peer for every sentence that it checks, and a reason for every other one", () => {
    const unproven = rows.filter((row) =>
      "check" in row ? Object.keys(row.mutants).length === 0 : row.untested.length < 10,
    );
    expect(unproven.map(({ id }) => id)).toEqual([]);
  });

  test("says what we do instead wherever we deviate", () => {
    const silent = rows.filter((row) => "check" in row && row.deviates && row.note === undefined);
    expect(silent.map(({ id }) => id)).toEqual([]);
  });
});

for (const { title, rows: sentences } of sections) {
  const checked = sentences.filter((sentence) => "check" in sentence);
  describe.skipIf(checked.length === 0)(title, () => {
    for (const row of checked) {
      test(
        `${row.id}, ${row.role}, ${row.transports.join(", ")}: ${row.quote}`,
        () => runOverAll(row),
        60_000,
      );
    }
  });
}

/** The exporters of the transports do not know each other, and much of their time is waiting. There is one receiver. */
async function runOverAll(row: ServerRow | ClientRow): Promise<void> {
  if (row.role === "client") {
    await Promise.all(row.transports.map((transport) => runRow(bench, row, transport)));
  } else {
    for (const transport of row.transports) {
      await runRow(bench, row, transport);
    }
  }
}

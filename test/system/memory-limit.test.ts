import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { activityBoundsFor } from "../../src/memory/memory-budget.ts";
import { type RawSocket, rawSocket } from "../net/raw-socket.ts";
import { isSkippedWithout } from "../support/external-tool.ts";
import { type MemoryCgroup, memoryCgroup } from "../support/memory-cgroup.ts";
import { scrape } from "../support/metrics-page.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { until } from "../support/prometheus.ts";
import { textOf } from "../support/repository.ts";
import { send } from "../support/send.ts";
import { lonelyRuns } from "./memory/lonely-runs.ts";

const mebibyte = 1024 * 1024;
const unit = textOf("deploy/systemd/openclaw-activity-collector.service");
const limitBytes = Number(/^MemoryMax=(\d+)M$/m.exec(unit)?.[1]) * mebibyte;
const bounds = activityBoundsFor(limitBytes);
const probe = memoryCgroup(limitBytes);
const isSkipped = isSkippedWithout(
  "a cgroup with a memory limit",
  "reasons" in probe ? probe.reasons : [],
);
if (!("reasons" in probe)) {
  probe.remove();
}

/** The variables that the unit sets. */
const env = Object.fromEntries(
  [...unit.matchAll(/^Environment=(?:"([^"]*)"|(.*))$/gm)]
    .flatMap(([, quoted, plain = ""]) => (quoted === undefined ? plain.split(" ") : [quoted]))
    .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
);

describe.skipIf(isSkipped)("the shipped config under the shipped memory limit", () => {
  let directory = "";
  let cgroup: MemoryCgroup;
  let collector: RunningCollector | undefined;
  const sockets: RawSocket[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "memory-limit-"));
    const fresh = memoryCgroup(limitBytes);
    if ("reasons" in fresh) {
      throw new Error(fresh.reasons.join("\n"));
    }
    cgroup = fresh;
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) {
      socket.destroy();
    }
    await collector?.stop();
    cgroup.remove();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  async function start(overrides: readonly string[] = []): Promise<RunningCollector> {
    collector = await startCollector({ directory, env, runner: cgroup.runner, overrides });
    return collector;
  }

  test("stays alive with all bounds reached, eight half-sent bodies of 20 MiB, and a restart on the data", async () => {
    const first = await start();
    // Enough for several snapshots of the full state.
    expect(await fill(first, { open: bounds.maxOpenWork, ended: 400_000 })).toEqual({ refused: 0 });
    expect(await openWork(first)).toBe(bounds.maxOpenWork);
    report("all bounds reached", first);

    for (let body = 0; body < 8; body++) {
      sockets.push(await halfSent(first));
    }
    await fill(first, { open: 0, ended: 20_000, from: 1_000_000 });
    report("with eight half-sent bodies", first);
    for (const socket of sockets.splice(0)) {
      socket.destroy();
    }
    await until("data is accepted again", 30_000, async () => {
      const body = lonelyRuns({ from: 5_000_000, count: 1 });
      return (await send(first.endpoints.otlp, "traces", body)).status === 200;
    });

    for (const how of ["SIGKILL", "SIGTERM"] as const) {
      collector?.kill(how);
      await collector?.ended(30_000);
      // A snapshot follows the start, so both happen at once.
      const again = await start(["extensions::file_storage::compaction::on_start: true"]);
      expect(again.stderr()).toContain("The state of sessions was recovered.");
      expect(await openWork(again)).toBe(bounds.maxOpenWork);
      const more = { open: 0, ended: 20_000, from: how === "SIGKILL" ? 2_000_000 : 3_000_000 };
      expect(await fill(again, more)).toEqual({ refused: 0 });
      report(`started again after ${how}`, again);
    }
  });

  test("stays alive on 890 000 finished spans that were stored without a limit", async () => {
    const unlimited = await startCollector({
      directory,
      overrides: [
        "processors::session_activity::max_open_work: 1000000",
        "processors::session_activity::max_tombstones: 1000000",
      ],
    });
    await fill(unlimited, { open: 0, ended: 890_000 });
    unlimited.kill("SIGKILL");
    await unlimited.ended();

    for (const from of [2_000_000, 3_000_000]) {
      const limited = await start();
      expect(await fill(limited, { open: 0, ended: 20_000, from })).toEqual({ refused: 0 });
      report("on the larger data", limited);
      await limited.stop();
    }
  });

  function report(when: string, running: RunningCollector): void {
    const peakBytes = cgroup.peakBytes();
    const peak = peakBytes === undefined ? "unknown" : Math.round(peakBytes / mebibyte);
    const status = readFileSync(`/proc/${running.pid}/status`, "utf8");
    const usedMiB = Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]) / 1024;
    console.info(
      `${when}: ${usedMiB.toFixed(0)} MiB in use. Peak of the ${cgroup.kind} so far, with page cache: ${peak} of ${limitBytes / mebibyte} MiB.`,
    );
  }
});

/** Sends runs, each in a trace and a session of its own: of all spans they need the most memory. */
async function fill(
  collector: RunningCollector,
  options: { readonly open: number; readonly ended: number; readonly from?: number },
): Promise<{ readonly refused: number }> {
  const perRequest = 2_000;
  const from = options.from ?? 1;
  let refused = 0;
  const sendAll = async (count: number, offset: number, isOpen: boolean) => {
    for (let at = 0; at < count; at += perRequest) {
      const body = lonelyRuns({
        from: from + offset + at,
        count: Math.min(perRequest, count - at),
        isOpen,
      });
      const { status } = await send(collector.endpoints.otlp, "traces", body);
      refused += status === 200 ? 0 : 1;
    }
  };
  await sendAll(options.open, 0, true);
  await sendAll(options.ended, options.open, false);
  return { refused };
}

/** A request whose sender stops in the middle of its body. */
async function halfSent(collector: RunningCollector): Promise<RawSocket> {
  const socket = await rawSocket(Number(new URL(collector.endpoints.otlp).port));
  const announced = 20 * mebibyte;
  socket.send(
    `POST /v1/traces HTTP/1.1\r\nHost: collector\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${announced}\r\n\r\n`,
  );
  socket.send(Buffer.alloc(announced - mebibyte, 10));
  return socket;
}

/** Open runs, tools and model calls. */
async function openWork(collector: RunningCollector): Promise<number> {
  const page = await scrape(collector.endpoints.prometheus);
  return page.sum("openclaw_session_activity_open");
}

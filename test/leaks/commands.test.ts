import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runProgram } from "../../src/cli/program.ts";
import { fakeHost } from "../cli/fake-host.ts";
import { pathOf } from "../support/repository.ts";
import { CanaryMint, randomOf } from "./canary-mint.ts";
import { LeakSearch } from "./leak-search.ts";
import { frameworkTurns, fullRequests, malformedBodies } from "./signal-canaries.ts";

/** Every command, and where it is searched. */
const searched: Readonly<Record<string, string>> = {
  run: "leaks.test.ts, as a part of record",
  record: "leaks.test.ts, with the folder that it writes",
  validate: "config-canaries.test.ts",
  "print-config|print-initial-config": "config-canaries.test.ts",
  replay: "here",
  components: "prints a list that depends on nothing",
  help: "prints a text that depends on nothing",
};

test("every command is searched somewhere", async () => {
  const host = fakeHost(["--help"]);
  await runProgram(host);
  const list = /Commands:\n([\s\S]*?)\n\n/.exec(host.written.stdout)?.[1] ?? "";
  const commands = [...list.matchAll(/^ {2}(\S+)/gm)].map(([, name = ""]) => name);
  expect(commands.toSorted()).toEqual(Object.keys(searched).toSorted());
});

test("a replay prints nothing of the requests, whatever is wrong with them", async () => {
  const mint = new CanaryMint(randomOf(Number(process.env["LEAK_SEED"] ?? 1)));
  const folder = mkdtempSync(join(tmpdir(), "leaks-replay-"));
  try {
    const full = fullRequests(mint);
    const bodies = [...full, ...frameworkTurns(mint), ...malformedBodies(mint, full, 60)];
    const index = bodies.map(({ signal, bytes, isJson = false }, at) => {
      const id = String(at).padStart(4, "0");
      writeFileSync(join(folder, `${id}-${signal}.${isJson ? "json" : "bin"}`), bytes);
      return JSON.stringify({ id, at: 1_795_000_000_000 + at * 500, signal });
    });
    writeFileSync(join(folder, "index.jsonl"), index.join("\n"));
    const host = fakeHost([
      "replay",
      folder,
      "--config",
      pathOf("deploy/config.yaml"),
      "--speed",
      "max",
    ]);
    expect(await runProgram(host)).toBe(0);
    const { stdout, stderr } = host.written;
    expect(stdout).toContain("Refused:");
    const found = new LeakSearch(mint.canaries).findIn("replay", Buffer.from(stdout + stderr));
    expect(found.map(({ canary, excerpt }) => `${canary.origin}: ${excerpt}`)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

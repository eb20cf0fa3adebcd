import { AssertionError } from "node:assert/strict";
import { type Bench, ClientPeer, ServerPeer } from "./peers.ts";
import type { ClientRow, ServerRow } from "./row.ts";
import type { Transport } from "./transport.ts";

/**
 * Runs the check of a row over a transport, first against each of its mutants, which it must find out, and then against the collector. Rejects
 * with the failed assertion, or with the name of a mutant that passed.
 */
export async function runRow(
  bench: Bench,
  row: ServerRow | ClientRow,
  transport: Transport,
): Promise<void> {
  for (const name of Object.keys(row.mutants)) {
    if (!(await failsFor(bench, row, transport, name))) {
      throw new Error(`Over ${transport}, the check does not notice a ${row.role} that ${name}.`);
    }
  }
  try {
    await runCheck(bench, row, transport);
  } catch (error) {
    throw new Error(`Over ${transport}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

async function failsFor(
  bench: Bench,
  row: ServerRow | ClientRow,
  transport: Transport,
  mutant: string,
): Promise<boolean> {
  try {
    await runCheck(bench, row, transport, mutant);
    return false;
  } catch (error) {
    // Any other error is one of the suite.
    if (error instanceof AssertionError) {
      return true;
    }
    throw error;
  }
}

async function runCheck(
  bench: Bench,
  row: ServerRow | ClientRow,
  transport: Transport,
  mutant = "",
): Promise<void> {
  if (row.role === "server") {
    const peer = new ServerPeer(bench, transport, row.mutants[mutant]);
    await row.check(peer).finally(() => peer.end());
  } else {
    const peer = new ClientPeer(bench, transport, row.mutants[mutant]);
    await row.check(peer).finally(() => peer.end());
  }
}

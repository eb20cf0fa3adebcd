import { existsSync, readdirSync, readFileSync } from "node:fs";
import { pathOf } from "../../test/support/repository.ts";
import { allSenders, type Sender, senderOf } from "../../test/support/senders/sender.ts";
import type { FrameworkNote } from "./framework-notes.ts";

const recordings = "test/testdata/senders";
const systemTests = "test/system";

/** By what a row of `docs/frameworks.md` is proven, from the files that there are. */
export function proofOf(note: FrameworkNote): string {
  const recorded = [...note.senders, ...(note.recordings ?? [])].filter(isRecorded);
  const live = note.senders.filter((name) => liveSenders().has(name));
  const inCi = live.filter((name) => !isSlow(name));
  const onDemand = live.filter(isSlow);
  const proofs = [
    ...(recorded.length === 0 ? [] : [`recorded (${recorded.map(describeRecording).join("; ")})`]),
    ...(inCi.length === 0 ? [] : [`a real client in CI (${inCi.map(describeLive).join("; ")})`]),
    ...(onDemand.length === 0
      ? []
      : [`a real client with \`npm run test:senders\` (${onDemand.map(describeLive).join("; ")})`]),
    ...(note.proofs ?? []).map(({ text, path }) => `${text} (\`${existing(path)}\`)`),
  ];
  return proofs.length === 0
    ? "Proof: not run. The rules are from its source."
    : `Proof: ${proofs.join("; ")}.`;
}

/** Recordings, and programs in `test/senders`, that no framework names in `framework-notes.ts`. */
export function unnamedSenders(notes: readonly FrameworkNote[]): readonly string[] {
  const named = notes.flatMap(({ senders, recordings: others }) => [...senders, ...(others ?? [])]);
  const all = [...foldersIn(recordings), ...allSenders().map(({ name }) => name)];
  return [...new Set(all)].filter((name) => !named.includes(name));
}

/** The senders that a system test runs: it names them in quotes, and finds their program with `senderOf`. */
function liveSenders(): ReadonlySet<string> {
  const sources = readdirSync(pathOf(systemTests))
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => readFileSync(pathOf(`${systemTests}/${file}`), "utf8"))
    .filter((source) => source.includes("senderOf("));
  const names = allSenders().map(({ name }) => name);
  return new Set(names.filter((name) => sources.some((source) => source.includes(`"${name}"`))));
}

function describe(name: string): string {
  const sender = allSenders().find((each) => each.name === name);
  const versions = sender === undefined ? [] : versionsOf(sender);
  return [...(versions.length === 0 ? [] : [`${versions.join(", ")}:`]), `\`${name}\``].join(" ");
}

/** Only a program that makes its recording says of which versions that is. */
function describeRecording(name: string): string {
  return makesRecording(name) ? describe(name) : `\`${name}\``;
}

function describeLive(name: string): string {
  return isRecorded(name) && makesRecording(name) ? `\`${name}\`` : describe(name);
}

function makesRecording(name: string): boolean {
  return allSenders().some((each) => each.name === name && each.scenarios.length > 0);
}

function versionsOf({ versions }: Sender): readonly string[] {
  return Object.entries(versions)
    .filter(([name]) => !/^(@?opentelemetry[-/](api|sdk|exporter|auto)|zod$)/.test(name))
    .map(([name, version]) => `\`${name.replace(/\[.*\]/, "")}\` ${version}`);
}

function isSlow(name: string): boolean {
  return senderOf(name).isSlow;
}

function isRecorded(name: string): boolean {
  return foldersIn(recordings).includes(name);
}

function foldersIn(path: string): readonly string[] {
  return readdirSync(pathOf(path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

function existing(path: string): string {
  if (!existsSync(pathOf(path))) {
    throw new Error(`A note about a framework names ${path}, which does not exist.`);
  }
  return path;
}

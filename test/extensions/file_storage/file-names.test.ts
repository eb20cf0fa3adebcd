import { expect, test } from "vitest";
import type { ComponentKind } from "../../../src/component/component-kind.ts";
import {
  journalName,
  logName,
  parseFileName,
  snapshotName,
} from "../../../src/extensions/file_storage/file-names.ts";
import fc from "../../support/fast-check.ts";

for (const [kind, id, name] of [
  ["processor", "session_activity", "processor_session_activity"],
  ["processor", "session_activity/prod", "processor_session_activity.prod"],
  ["exporter", "otlp_http/../../etc/passwd", "exporter_otlp_http...~002f..~002fetc~002fpasswd"],
  ["exporter", "a/B~ü", "exporter_a.~0042~007e~00fc"],
] as const) {
  test(`the journal of the ${kind} ${id} is ${name}`, () => {
    expect(journalName({ kind, id })).toBe(name);
  });
}

const component = fc.record({
  kind: fc.constantFrom<ComponentKind>("receiver", "processor", "exporter"),
  id: fc
    .tuple(
      fc.stringMatching(/^[a-zA-Z][0-9a-zA-Z_]{0,62}$/),
      fc.option(fc.string({ minLength: 1, maxLength: 1024 }), { nil: undefined }),
    )
    .map(([type, name]) => (name === undefined ? type : `${type}/${name}`)),
});

test("different components have different journals, in names that every file system takes", () => {
  fc.assert(
    fc.property(component, component, (a, b) => {
      const [nameOfA, nameOfB] = [journalName(a), journalName(b)];
      expect(nameOfA).toMatch(/^[0-9a-z_.~-]{1,120}$/);
      expect(nameOfA === nameOfB).toBe(a.kind === b.kind && a.id === b.id);
    }),
  );
});

test("long names that differ at their end only are different", () => {
  const id = `type/${"n".repeat(1_000)}`;
  const [a, b] = [`${id}a`, `${id}b`].map((each) => journalName({ kind: "exporter", id: each }));
  expect(a).not.toBe(b);
  expect([a?.length, b?.length]).toEqual([120, 120]);
});

test("names of files are read as they were written; others are not ours", () => {
  expect([logName(7), snapshotName(12), `${snapshotName(12)}.tmp`].map(parseFileName)).toEqual([
    { kind: "log", number: 7 },
    { kind: "snapshot", sequence: 12 },
    { kind: "temporary" },
  ]);
  for (const name of [
    "lock",
    "log-",
    "log-1x",
    "xlog-1",
    "snapshot-1.tmp.gz",
    "log-00000001 ",
    "",
  ]) {
    expect(parseFileName(name)).toBeUndefined();
  }
  // More files than eight digits have numbers for are still distinguished and in order.
  expect(parseFileName(logName(123_456_789))).toEqual({ kind: "log", number: 123_456_789 });
});

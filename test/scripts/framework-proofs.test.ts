import { describe, expect, test } from "vitest";
import { type FrameworkNote, frameworkNotes } from "../../scripts/docs/framework-notes.ts";
import { proofOf, unnamedSenders } from "../../scripts/docs/framework-proofs.ts";

const note: FrameworkNote = { title: "", follows: [], senders: [], starts: "", text: "" };

test("every recording and every program of a real library is of a framework", () => {
  expect(unnamedSenders(Object.values(frameworkNotes))).toEqual([]);
  expect(unnamedSenders([note])).toContain("autogen");
  expect(unnamedSenders([note])).toContain("genai-late");
});

describe("a framework is proven", () => {
  test("by nothing if there is neither a recording nor a live test", () => {
    expect(proofOf(note)).toBe("Proof: not run. The rules are from its source.");
  });

  test("by a recording that is there, with the versions of the program that made it", () => {
    expect(proofOf({ ...note, recordings: ["autogen"] })).toBe("Proof: recorded (`autogen`).");
    expect(proofOf({ ...note, recordings: ["missing"] })).toContain("not run");
    expect(proofOf({ ...note, senders: ["codex"] })).toMatch(
      /^Proof: recorded \(`@openai\/codex` [0-9.]+: `codex`\)\.$/,
    );
  });

  test("by a recording without versions where another program has made it", () => {
    expect(proofOf({ ...note, senders: ["langgraph-py"] })).toMatch(
      /^Proof: recorded \(`langgraph-py`\)/,
    );
  });

  test("by a system test that runs it", () => {
    expect(proofOf({ ...note, senders: ["ai-sdk"] })).toContain("a real client in CI (`ai-sdk`)");
    expect(proofOf({ ...note, senders: ["codex"] })).not.toContain("in CI");
  });

  test("by a client that CI leaves out, which it does not call CI", () => {
    const proof = proofOf({ ...note, senders: ["genkit-js"] });
    expect(proof).toContain("a real client with `npm run test:senders` (`genkit-js`)");
    expect(proof).not.toContain("in CI");
  });

  test("never by a file that is not there", () => {
    const proofs = [{ text: "recorded", path: "test/no-such-file" }];
    expect(() => proofOf({ ...note, proofs })).toThrow("test/no-such-file");
  });
});

import { expect, test } from "vitest";
import { signalFlags } from "../../../src/activity/model/signal-batch.ts";
import { workKinds } from "../../../src/activity/model/work.ts";
import {
  isHarnessRun,
  isModelCall,
  isRun,
  isWork,
  spanClass,
  spanClasses,
} from "../../../src/activity/recognition/span-class.ts";

const harness = spanClass(workKinds.run, { flags: signalFlags.harness });
const inner = spanClass(workKinds.run, { flags: signalFlags.innerRun });

for (const [what, of, want] of [
  ["a harness run", harness, { work: true, run: true, harness: true, model: false }],
  ["an inner run", inner, { work: true, run: true, harness: false, model: false }],
  ["a tool", spanClasses.namedTool, { work: true, run: false, harness: false, model: false }],
  ["a model call", spanClasses.modelCall, { work: true, run: false, harness: false, model: true }],
  ["no work", spanClasses.notWork, { work: false, run: false, harness: false, model: false }],
] as const) {
  test(`the class of ${what}`, () => {
    expect({
      work: isWork(of),
      run: isRun(of),
      harness: isHarnessRun(of),
      model: isModelCall(of),
    }).toEqual(want);
  });
}

test("every class has one shape", () => {
  const shapes = Object.values(spanClasses).map((each) => Object.keys(each).join());
  expect(new Set([...shapes, Object.keys(harness).join()]).size).toBe(1);
});

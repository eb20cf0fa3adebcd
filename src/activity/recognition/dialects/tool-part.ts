import { dialects } from "../../model/dialects.ts";
import { type SignalBatch, signalTypes } from "../../model/signal-batch.ts";
import { workKinds } from "../../model/work.ts";

/** I1: adds that the parent of the span whose signal is `of` is a tool, whether that has arrived or not. */
export function addToolPart(of: number, signals: SignalBatch): void {
  const parent0 = signals.parent0.get(of);
  const parent1 = signals.parent1.get(of);
  if (parent0 === 0 && parent1 === 0) {
    return;
  }
  const { start: type } = signalTypes;
  const signal = signals.addAbout(of, { type, dialect: dialects.impliedParent.storedId });
  signals.kind.set(signal, workKinds.tool);
  signals.setSpan(signal, parent0, parent1, 0, 0);
}

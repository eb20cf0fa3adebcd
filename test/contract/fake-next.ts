import { accepted, type ConsumeResult, type Consumer } from "../../src/component/consumer.ts";
import type { Payload } from "../../src/otlp/payload.ts";

/** `throws` and `rejects` break the contract of a consumer. */
export type NextBehavior = "accepts" | "hangs" | "throws" | "rejects";

/** The next consumer behind a component. It keeps a copy of each payload, and a weak reference to the original bytes. */
export class FakeNext implements Consumer {
  behavior: NextBehavior = "accepts";
  readonly taken: Payload[] = [];
  readonly originals: WeakRef<Uint8Array>[] = [];

  consume(payload: Payload): Promise<ConsumeResult> {
    const { signal, bytes, items } = payload;
    this.taken.push({ signal, bytes: bytes.slice(), items });
    this.originals.push(new WeakRef(payload.bytes));
    switch (this.behavior) {
      case "accepts":
        return Promise.resolve(accepted);
      case "hangs":
        return new Promise(() => {});
      case "throws":
        throw new Error("The next consumer throws.");
      case "rejects":
        return Promise.reject(new Error("The next consumer rejects."));
      default: {
        const never: never = this.behavior;
        return never;
      }
    }
  }
}

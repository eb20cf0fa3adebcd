import type { ByteEdits } from "./byte-edits.ts";
import type { CountsBy, RepairReason } from "./rejections.ts";

/** The repairs in one request, by reason. Fewer than edits: when the request has too many of these, nothing more is noted. */
export class RepairLog {
  /** Whether a message is only tried, so that its repairs do not count. */
  isTrial = false;
  readonly #edits: ByteEdits;
  /** A repair each. */
  readonly #reasons: RepairReason[] = [];

  constructor(edits: ByteEdits) {
    this.#edits = edits;
  }

  note(reason: RepairReason): void {
    if (!this.isTrial && !this.#edits.isFull) {
      this.#reasons.push(reason);
    }
  }

  /** To return to, when what follows is left out. */
  get count(): number {
    return this.#reasons.length;
  }

  /** Forgets the repairs in what is left out. */
  backTo(count: number): void {
    this.#reasons.length = count;
  }

  /** The fields that were repaired, by reason. */
  byReason(): CountsBy<RepairReason> {
    const repairs = new Map<RepairReason, number>();
    for (const reason of this.#reasons) {
      repairs.set(reason, (repairs.get(reason) ?? 0) + 1);
    }
    return repairs;
  }
}

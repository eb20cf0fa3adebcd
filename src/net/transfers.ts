/** A clock, as far as it is needed here. */
interface Now {
  nowMs(): number;
}

/** A body that arrives from a client. */
export interface Transfer {
  /** Call it as bytes arrive, before they are kept. */
  progressed(bytes: number): void;
  /** Call it when no more bytes are awaited. Safe to call twice. */
  end(): void;
}

/** A body that has not grown by so much for so long is stalled: about 1 KiB/s. */
const stalledMs = 5_000;
const leastBytes = 5 * 1024;

interface Entry {
  sinceMs: number;
  bytes: number;
  readonly cut: () => void;
}

/**
 * The bodies that are arriving. When there is no room for others, those that have stalled make room: a client may be as slow as it
 * likes, but not at the expense of others. It keeps one entry for each body.
 */
export class Transfers {
  readonly #clock: Now;
  /** The one without progress for longest first. */
  readonly #entries = new Set<Entry>();

  constructor(clock: Now) {
    this.#clock = clock;
  }

  /** `cut` ends the reading and gives back at once what the body takes up. */
  begin(cut: () => void): Transfer {
    const entry: Entry = { sinceMs: this.#clock.nowMs(), bytes: 0, cut };
    this.#entries.add(entry);
    return {
      progressed: (bytes) => {
        entry.bytes += bytes;
        if (entry.bytes >= leastBytes && this.#entries.delete(entry)) {
          entry.sinceMs = this.#clock.nowMs();
          entry.bytes = 0;
          this.#entries.add(entry);
        }
      },
      end: () => {
        this.#entries.delete(entry);
      },
    };
  }

  /** Cuts the body that has stalled for longest, if one has. */
  cutStalled(): void {
    const before = this.#entries.size;
    this.makeRoom(() => this.#entries.size < before);
  }

  /** Cuts bodies that have stalled until `hasRoom`, and returns whether it has. */
  makeRoom(hasRoom: () => boolean): boolean {
    const nowMs = this.#clock.nowMs();
    for (const entry of this.#entries) {
      if (hasRoom()) {
        return true;
      }
      if (nowMs - entry.sinceMs < stalledMs) {
        return false;
      }
      this.#entries.delete(entry);
      entry.cut();
    }
    return hasRoom();
  }
}

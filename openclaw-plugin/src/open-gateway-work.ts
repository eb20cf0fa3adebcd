import type { Work } from "./gateway-work.ts";

/** The open work, in order of its starts. At more than `limit` pieces the oldest are forgotten and counted. */
export class OpenGatewayWork {
  readonly #limit: number;
  readonly #works = new Set<Work>();
  readonly #ofSession = new Map<string, Set<Work>>();
  #givenUp = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#works.size;
  }

  /** How many pieces of open work were forgotten because there were too many. */
  get givenUp(): number {
    return this.#givenUp;
  }

  [Symbol.iterator](): Iterator<Work> {
    return this.#works.values();
  }

  /** Adds new work. Returns the work that is forgotten for it. */
  add(work: Work): readonly Work[] {
    this.#works.add(work);
    const ofSession = this.#ofSession.get(work.session);
    if (ofSession === undefined) {
      this.#ofSession.set(work.session, new Set([work]));
    } else {
      ofSession.add(work);
    }
    if (this.#works.size <= this.#limit) {
      return [];
    }
    const oldest = [...this.#works].slice(0, this.#works.size - this.#limit);
    for (const work of oldest) {
      this.delete(work);
      work.tree.close(work);
      this.#givenUp += 1;
    }
    return oldest;
  }

  delete(work: Work): void {
    this.#works.delete(work);
    const ofSession = this.#ofSession.get(work.session);
    ofSession?.delete(work);
    if (ofSession?.size === 0) {
      this.#ofSession.delete(work.session);
    }
  }

  /** The newest open work of a session for which `matches` returns true. */
  newest(session: string, matches: (work: Work) => boolean): Work | undefined {
    let newest: Work | undefined;
    for (const work of this.#ofSession.get(session) ?? []) {
      newest = matches(work) ? work : newest;
    }
    return newest;
  }
}

/** Ranges of a text with the rule that found each of them. Used again for each text. */
export class FoundRanges {
  readonly #rules: number[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  get count(): number {
    return this.#rules.length;
  }

  clear(): void {
    this.#truncate(0);
  }

  add(rule: number, start: number, end: number): void {
    this.#rules.push(rule);
    this.#starts.push(start);
    this.#ends.push(end);
  }

  rule(index: number): number {
    return this.#rules[index] ?? 0;
  }

  start(index: number): number {
    return this.#starts[index] ?? 0;
  }

  end(index: number): number {
    return this.#ends[index] ?? 0;
  }

  /** Leaves out what rules from `rule` on found. */
  dropFrom(rule: number): void {
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      if (this.rule(i) < rule) {
        this.#move(i, kept);
        kept += 1;
      }
    }
    this.#truncate(kept);
  }

  /** Brings the ranges into the order of the text. Those that overlap become one, which belongs to the first of their rules. */
  merge(): void {
    if (this.count < 2) {
      return;
    }
    const order = Array.from(this.#starts, (_, index) => index).sort(
      (a, b) => this.start(a) - this.start(b) || this.end(b) - this.end(a),
    );
    const rules = order.map((index) => this.rule(index));
    const starts = order.map((index) => this.start(index));
    const ends = order.map((index) => this.end(index));
    let last = 0;
    for (let i = 0; i < order.length; i++) {
      const [rule = 0, start = 0, end = 0] = [rules[i], starts[i], ends[i]];
      if (i > 0 && start < this.end(last)) {
        this.#rules[last] = Math.min(this.rule(last), rule);
        this.#ends[last] = Math.max(this.end(last), end);
        continue;
      }
      last = i === 0 ? 0 : last + 1;
      this.#rules[last] = rule;
      this.#starts[last] = start;
      this.#ends[last] = end;
    }
    this.#truncate(last + 1);
  }

  #move(from: number, to: number): void {
    this.#rules[to] = this.rule(from);
    this.#starts[to] = this.start(from);
    this.#ends[to] = this.end(from);
  }

  #truncate(count: number): void {
    this.#rules.length = count;
    this.#starts.length = count;
    this.#ends.length = count;
  }
}

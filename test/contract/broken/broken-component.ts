import type { Check } from "../contract.ts";
import { type Family, type Fixture, subjectOf } from "./fixture-subject.ts";

/** Short, because most checks here wait in vain. */
const patienceMs = 400;

/** A component that breaks one rule, and the check that must fail. */
export interface Broken {
  /** The end of a sentence about the component. */
  readonly title: string;
  readonly check: unknown;
  readonly run: () => Promise<void>;
  /** Matches the error of the check. */
  readonly message: RegExp;
}

/** Components on which one check must fail: how they are broken, their class, and the error of the check. */
export function brokenFor<Where>(
  target: {
    readonly check: Check<Where>;
    readonly where: Where;
    readonly family: Family;
    readonly isStoring?: true;
  },
  components: readonly (readonly [title: string, fixture: Fixture, message: RegExp])[],
): readonly Broken[] {
  const { check, where, family, isStoring } = target;
  return components.map(([title, fixture, message]) => {
    const options = { patienceMs, ...(isStoring === undefined ? {} : { isStoring }) };
    const subject = subjectOf(fixture, family, options);
    return { title, check, message, run: () => check(subject, where) };
  });
}

import fc from "../../../support/fast-check.ts";
import type { Signal } from "../history.ts";
import { type Arrival, anyStory } from "./any-story.ts";

/** What the sender of a span says of it, and when. */
const telling = fc.record({
  /** The name of the span, as a number: few, so that spans of other kinds have the same one now and then. */
  shape: fc.integer({ min: 1, max: 3 }),
  /** What its name says that it is. */
  byName: fc.constantFrom<Signal["kind"]>("other", "other", "tool", "model_call", "run"),
  saysAtStart: fc.boolean(),
  /** Repeats of its start say what the start did not. */
  saysInRepeats: fc.boolean(),
  saysAtEnd: fc.constantFrom(true, true, true, false),
  /** It is of another kind in the end than its start says. */
  endsAs: fc.option(fc.constantFrom<Signal["kind"]>("tool", "model_call", "run"), {
    nil: undefined,
    freq: 1,
  }),
});

type Telling = typeof telling extends fc.Arbitrary<infer T> ? T : never;

/** Stories whose senders say only late what a span is, or never. */
export const anyGuesses: fc.Arbitrary<readonly Arrival[]> = fc
  .tuple(anyStory, fc.array(telling, { minLength: 3, maxLength: 12 }))
  .map(([story, tellings]) => {
    const started = new Set<string>();
    return story.map(({ at, signals }) => ({
      at,
      signals: signals.map((signal) => {
        const { process = 1, trace = 1, span } = signal;
        const key = `${process}/${trace}/${span}`;
        const told = tellings[(process * 7 + trace * 31 + span) % tellings.length];
        const isRepeat = started.has(key);
        started.add(key);
        return told === undefined ? signal : tell(signal, told, isRepeat);
      }),
    }));
  });

function tell(signal: Signal, told: Telling, isRepeat: boolean): Signal {
  const { type, kind, dialect } = signal;
  const isOfSpan = type === "start" || (type === "end" && dialect !== undefined);
  if (!isOfSpan || dialect === "relay" || kind === "harness" || kind === "inner") {
    return signal;
  }
  const { shape } = told;
  if (type === "start") {
    const says = isRepeat ? told.saysInRepeats || told.saysAtStart : told.saysAtStart;
    const isMisnamed = kind === "run" && told.byName !== "run";
    const byName = isMisnamed ? "other" : told.byName;
    return says ? signal : { ...unnamed(signal), kind: byName, isUndecided: true, shape };
  }
  if (!told.saysAtEnd) {
    return { ...unnamed(signal), kind: "other", isUndecided: true };
  }
  const endsAs = kind === "other" || kind === "run" ? kind : (told.endsAs ?? kind);
  return { ...signal, kind: endsAs, shape };
}

/** A name is an attribute, too. */
function unnamed({ name: _, alias: __, key: ___, ...rest }: Signal): Signal {
  return rest;
}

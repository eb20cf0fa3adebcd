import { isDeepStrictEqual } from "node:util";

/** A change below these is a change of the whole: their keys are the user's words. */
const wholes = [/^telemetry\.resource$/, /^telemetry\.logs\.initial_fields$/, /^pipelines\.[^.]+$/];

/**
 * The settings in which two sections `service` differ, with defaults filled in, as paths such as `service.telemetry.logs.level`, sorted. Never
 * has a value, because that may be a secret.
 */
export function changedSettings(before: unknown, after: unknown): readonly string[] {
  return differences(before, after, [])
    .map((path) => ["service", ...path].join("."))
    .toSorted();
}

function differences(
  before: unknown,
  after: unknown,
  path: readonly string[],
): readonly (readonly string[])[] {
  if (isDeepStrictEqual(before, after)) {
    return [];
  }
  const isWhole = wholes.some((each) => each.test(path.join(".")));
  if (isWhole || !isSection(before) || !isSection(after)) {
    return [path];
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  const [a, b] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  return [...keys].flatMap((key) => differences(a.get(key), b.get(key), [...path, key]));
}

function isSection(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

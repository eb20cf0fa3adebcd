/** The steps of what may take long. Between two of them others may be served. */
export type Steps<T> = Generator<void, T, void>;

/** What is there at once, as of nearly all attributes, or is the result of steps. A `T` is no object. */
export type Stepwise<T extends string | boolean> = T | Steps<T>;

/** The same as steps, of which there may be none. */
export function* stepsOf<T extends string | boolean>(result: Stepwise<T>): Steps<T> {
  return typeof result === "object" ? yield* result : result;
}

/** A promise that somebody else resolves. */
export interface Gate<T> {
  readonly opened: Promise<T>;
  readonly open: (value: T) => void;
}

export function gate<T>(): Gate<T> {
  let open: (value: T) => void = () => {};
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** As much of a value as helps to find it. */
const shownCharacters = 100;

/** A text as it is shown in a message: a long one is cut, with a mark. */
export function cut(text: string, most = shownCharacters): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length} characters)`;
}

/** The same in quotes. */
export function quoted(text: string): string {
  return text.length <= shownCharacters
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, shownCharacters))}… (${text.length} characters)`;
}

/** What is no secret under a name that also means something else. */

/** A directory, not the password of a connection string. */
const directory = /^(?:~|\/(?:[\w.@+-]+(?:\/[\w.@+-]+)*\/?)?|~\/[\w./@+-]*|[A-Z]:[\\/][^;]*)$/;
/** `PASS: TestFoo`, as runners of tests print it. */
const testName =
  /^(?:(?:Test|Example|Benchmark|Fuzz)[A-Z_0-9][\w/.:#-]*|[\w./-]+\.(?:sh|py|js|ts|c|t))$/;
/** More digits may be a password. */
const count = /^[0-9]{1,5}$/;
/** A personal access token has more characters. */
const minAccessToken = 16;

/** A value with the name before it and how it is written. */
export interface NamedValue {
  readonly name: string;
  readonly value: string;
  /** Whether `:` gives the value, and no `=`. */
  readonly isBehindColon: boolean;
  readonly isQuoted: boolean;
  /** Whether the name stands behind `;`, as in a connection string. */
  readonly isBehindSemicolon: boolean;
}

/** No name is longer that means something else, too. */
export const longestAmbiguous = 6;

/** Whether a value is a count or a test that passed, a directory, or a word behind `pat`. */
export function isNoSecret(named: NamedValue): boolean {
  const { name, value, isBehindColon, isQuoted, isBehindSemicolon } = named;
  switch (name) {
    case "pass":
    case "PASS":
    case "Pass":
      return (
        isBehindColon &&
        !isQuoted &&
        (count.test(value) || (name === "PASS" && testName.test(value)))
      );
    case "PWD":
    case "OLDPWD":
      return !isBehindSemicolon && directory.test(value);
    case "pat":
      return isBehindColon && !isQuoted && value.length < minAccessToken;
    default:
      return false;
  }
}

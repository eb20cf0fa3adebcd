import { UnusableFile } from "../../serving/watched-file.ts";

/**
 * How a password is stored. A closed list. `bcrypt` and `apr1` take long to check, which is their purpose; `sha`, `ssha` and `plain` do
 * not.
 */
export type HashKind = "bcrypt" | "apr1" | "sha" | "ssha" | "plain";

/** A password as a line of htpasswd has it. */
export interface StoredPassword {
  readonly kind: HashKind;
  readonly text: string;
}

/** A user costs a few hundred bytes. */
const maxUsers = 10_000;

/** A cost above this takes seconds for one check. */
const maxBcryptCost = 14;

/**
 * Reads lines of `user:hash`. Empty lines and those that begin with # are left out; the last line of a user counts. Throws an
 * {@link UnusableFile}, which quotes nothing of a line, if one cannot be used: a hash of an unknown kind would else be taken for a password.
 */
export function parseHtpasswd(text: string): ReadonlyMap<string, StoredPassword> {
  const users = new Map<string, StoredPassword>();
  for (const [index, whole] of text.split("\n").entries()) {
    const line = whole.trim();
    if (line === "" || line.startsWith("#")) {
      continue;
    }
    const colon = line.indexOf(":");
    if (colon < 1) {
      throw new UnusableFile(`Line ${index + 1} of htpasswd is not user:hash.`);
    }
    const stored = storedPassword(line.slice(colon + 1));
    if (typeof stored === "string") {
      throw new UnusableFile(`The hash in line ${index + 1} of htpasswd ${stored}.`);
    }
    users.set(line.slice(0, colon), stored);
  }
  if (users.size > maxUsers) {
    throw new UnusableFile(`htpasswd has more than ${maxUsers} users.`);
  }
  return users;
}

/** The stored password, or what is wrong with it. */
function storedPassword(text: string): StoredPassword | string {
  const cost = /^\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(text)?.[1];
  if (cost !== undefined) {
    return Number(cost) > maxBcryptCost
      ? `has a cost above ${maxBcryptCost}, which takes seconds for each check; use htpasswd -B -C 10`
      : { kind: "bcrypt", text };
  }
  if (/^\$apr1\$[^$]{1,8}\$[./A-Za-z0-9]{22}$/.test(text)) {
    return { kind: "apr1", text };
  }
  if (/^\{SHA\}[A-Za-z0-9+/]{27}=$/.test(text)) {
    return { kind: "sha", text: text.slice("{SHA}".length) };
  }
  if (/^\{SSHA\}[A-Za-z0-9+/]{28,}={0,2}$/.test(text)) {
    return { kind: "ssha", text: text.slice("{SSHA}".length) };
  }
  if (/^(\$[^$]*\$|\{[^}]*\})/.test(text)) {
    return "is of a kind that is not supported, or damaged; make it with htpasswd -B (bcrypt). In the config, every $ is written $$";
  }
  return text === "" ? "is empty" : { kind: "plain", text };
}

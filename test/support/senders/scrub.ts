import { homedir, hostname } from "node:os";
import { pathOf } from "../repository.ts";

/** Attributes whose value tells of the machine. */
const telling = [
  "host.name",
  "host.id",
  "host.ip",
  "host.mac",
  "process.owner",
  "_dd.hostname",
  "user.id",
  "os.version",
] as const;

/**
 * A copy of a recorded body without what it says of the machine it was recorded on: paths, the names of
 * host and user. Every replacement is as long as what it replaces, so that lengths on the wire stay true.
 * Throws when something is left.
 */
export function scrubbed(body: Uint8Array): Uint8Array {
  let text = Buffer.from(body).toString("latin1");
  for (const path of [pathOf("").replace(/\/$/, ""), homedir()]) {
    text = text.replaceAll(path, `/srv/${"agent".repeat(path.length)}`.slice(0, path.length));
  }
  for (const key of telling) {
    // protobuf: the value's field and length, the text's field and length; of texts below 126 bytes.
    text = text.replaceAll(
      new RegExp(`(?<=${escaped(key)}\\x12[\\s\\S]\\x0a)([\\s\\S])([\\s\\S]{0,126})`, "g"),
      (_, length: string, rest: string) => {
        const size = length.charCodeAt(0);
        return `${length}${"x".repeat(size)}${rest.slice(size)}`;
      },
    );
    text = text.replaceAll(
      new RegExp(
        `(?<="key":\\s*"${escaped(key)}",\\s*"value":\\s*\\{\\s*"stringValue":\\s*")[^"]*`,
        "g",
      ),
      (value) => "x".repeat(value.length),
    );
  }
  for (const left of [pathOf("").replace(/\/$/, ""), `${homedir()}/`, `"${hostname()}"`]) {
    if (text.includes(left)) {
      throw new Error(`A recorded body still has "${left}" in it.`);
    }
  }
  return Buffer.from(text, "latin1");
}

const escaped = (text: string) => text.replaceAll(".", "\\.");

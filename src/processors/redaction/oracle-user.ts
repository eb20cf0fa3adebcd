import { textOf } from "./authorization.ts";
import { type Found, none, type Place } from "./detected.ts";

const maxUser = 128;
const slash = 0x2f;
const driver = "oracle:thin";
/** `bob/password@` */
const userAndPassword = /^[^\s/@:"']{1,64}\/("[^"]{1,60}"|[^\s@"']{1,60})@/;

/** The user and the password in a URL of JDBC for Oracle whose colon behind the driver is at `at`: `jdbc:oracle:thin:user/password@host`. */
export function oracleUserAt(bytes: Uint8Array, { start, at, end }: Place): Found {
  if (
    bytes[at - 1] !== 0x6e ||
    bytes[at + 1] === slash ||
    at - driver.length < start ||
    textOf(bytes, at - driver.length, at) !== driver
  ) {
    return none;
  }
  const [written] =
    userAndPassword.exec(textOf(bytes, at + 1, Math.min(end, at + 1 + maxUser))) ?? [];
  return written === undefined ? none : { start: at + 1, end: at + written.length };
}

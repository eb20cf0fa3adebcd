import { type ListenAddress, occupantIn } from "./listening-sockets.ts";
import { maxSocketPathBytes } from "./unix-socket.ts";

/** `host:port`, with brackets around an IPv6 address; `unix:` and the path of a unix socket. */
export function addressText(address: ListenAddress): string {
  if ("path" in address) {
    return `unix:${address.path}`;
  }
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** The error, for an operator, of a server that cannot listen. */
export function listenProblem(address: ListenAddress, error: unknown): Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const why =
    ("path" in address ? pathProblem(address.path, code, error) : addressProblems[code]) ??
    (error instanceof Error ? error.message : String(error));
  return new Error(`Cannot listen on ${addressText(address)}: ${why}`, { cause: error });
}

const addressProblems: Readonly<Record<string, string | undefined>> = {
  EADDRINUSE:
    "the address is already in use. Stop the program that uses it or choose another endpoint.",
  EACCES: "permission denied. Ports below 1024 need a privilege; choose a higher one.",
  EADDRNOTAVAIL: "this machine has no such address. Use 127.0.0.1, 0.0.0.0 or one of its own.",
  ENOTFOUND: "the host name cannot be resolved. Check its spelling.",
};

function pathProblem(path: string, code: string, error: unknown): string | undefined {
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    return `the path has more than ${maxSocketPathBytes} bytes, which is the most of a unix socket. Choose a shorter one.`;
  }
  switch (code) {
    case "EADDRINUSE":
      return occupantIn(error) === "other"
        ? "there is something else at the path, which is not removed. Move it away or choose another path."
        : "a running program listens there. Stop it or choose another path.";
    // Node reports a missing directory as EACCES.
    case "EACCES":
    case "EPERM":
    case "ENOENT":
    case "ENOTDIR":
      return "the directory does not exist, or the user of this program may not write into it. Create it for that user, or choose another path.";
    case "EROFS":
      return "the directory is read-only. Choose another one, e.g. a volume.";
    default:
      return undefined;
  }
}

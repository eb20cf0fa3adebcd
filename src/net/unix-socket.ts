import { chmod, lstat, unlink } from "node:fs/promises";
import { connect } from "node:net";

/** The longest path that the address of a unix socket can hold, in bytes without its end. */
export const maxSocketPathBytes = process.platform === "darwin" ? 103 : 107;

/** The user and the group of the program may connect. */
const mode = 0o660;

/** A socket that is in the way. `live`: a program listens on it. `stale`: its program has ended. `other`: it is no socket, or cannot be asked. */
export type Occupant = "live" | "stale" | "other";

/** What is at a path that is already in use. */
export async function occupantOf(path: string): Promise<Occupant> {
  try {
    if (!(await lstat(path)).isSocket()) {
      return "other";
    }
  } catch {
    return "other";
  }
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve("live");
    });
    socket.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code === "ECONNREFUSED" ? "stale" : "other"),
    );
  });
}

/** Removes the file that a program has left that was killed. */
export async function removeStale(path: string): Promise<void> {
  await unlink(path);
}

/** Lets only the user and the group of the program connect, whatever its umask is. */
export async function protectSocket(path: string): Promise<void> {
  await chmod(path, mode);
}

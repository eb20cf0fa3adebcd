import type { Socket } from "node:net";
import type { ServerClock } from "./http2-connection.ts";
import { protocolOf } from "./http2-preface.ts";

/** How long a client may take to say that it speaks HTTP/2. */
export const prefaceTimeoutMs = 15_000;

/** How long a client that was asked to leave may stay silent. */
const lingerMs = 1_000;

/**
 * Calls `done` with what the client speaks, and leaves the bytes in the socket; with undefined if the client says too little in time. Returns
 * what stops it, and leaves the bytes, too.
 */
export function readFirstBytes(
  socket: Socket,
  clock: ServerClock,
  done: (protocol: ReturnType<typeof protocolOf>) => void,
): () => void {
  let bytes = Buffer.alloc(0);
  const stop = () => {
    cancelTimer();
    socket.off("readable", onReadable).off("close", stop);
  };
  const cancelTimer = clock.after(prefaceTimeoutMs, () => {
    stop();
    done(undefined);
  });
  const onReadable = () => {
    const chunk: unknown = socket.read();
    if (!(chunk instanceof Uint8Array)) {
      return;
    }
    bytes = Buffer.concat([bytes, chunk]);
    const protocol = protocolOf(bytes);
    if (protocol !== undefined) {
      putBack();
      done(protocol);
    }
  };
  const putBack = () => {
    stop();
    if (bytes.length > 0) {
      socket.unshift(bytes);
    }
  };
  socket.on("readable", onReadable).once("close", stop);
  return putBack;
}

/** Says one thing and closes the connection. The client may still write: closing at once would reset it, and the client would never read this. */
export function dismiss(socket: Socket, answer: string): void {
  socket.end(answer);
  socket.resume();
  socket.setTimeout(lingerMs, () => socket.destroy());
  socket.once("end", () => socket.destroy());
}

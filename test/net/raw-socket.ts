import { connect } from "node:net";

/** A TCP client that says exactly what it is told to, and keeps what it hears. */
export interface RawSocket {
  send(text: string | Uint8Array): void;
  /** All that has been heard once it contains `text`, or once the other side has closed. */
  heard(text: string): Promise<string>;
  /** All that was heard by the time the connection was closed by the other side. */
  closed(): Promise<string>;
  /** Leaves without a goodbye. */
  destroy(): void;
}

/** `localAddress`: the loopback address that the client has, e.g. 127.0.0.2, so that it is another peer. */
export async function rawSocket(port: number, localAddress?: string): Promise<RawSocket> {
  const socket = connect({
    host: "127.0.0.1",
    port,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  let text = "";
  let isClosed = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const check of [...waiting]) check();
  };
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    text += chunk;
    wake();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    isClosed = true;
    wake();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  const until = (done: () => boolean) =>
    new Promise<string>((resolve) => {
      const check = () => {
        if (done() || isClosed) {
          waiting.delete(check);
          resolve(text);
        }
      };
      waiting.add(check);
      check();
    });
  return {
    send: (bytes) => {
      socket.write(bytes);
    },
    heard: (part) => until(() => text.includes(part)),
    closed: () => until(() => false),
    destroy: () => {
      socket.resetAndDestroy();
    },
  };
}

import { isIPv4, type Socket } from "node:net";

/**
 * Who is at the other end of a connection, as far as that shows before anything is said: an address, of IPv6 the network (/64) that one
 * customer or machine has, or the connection itself for a unix socket. A key for maps; it is not to be shown.
 */
export type Peer = string | object;

export function peerOf(socket: Pick<Socket, "remoteAddress">): Peer {
  const { remoteAddress } = socket;
  return remoteAddress === undefined ? socket : addressPeer(remoteAddress);
}

/** An address as the runtime writes it. An IPv4 address that is written as one of IPv6 is the same peer. */
export function addressPeer(address: string): string {
  const [plain = ""] = address.split("%", 1);
  const last = plain.slice(plain.lastIndexOf(":") + 1);
  if (isIPv4(last)) {
    return last;
  }
  const [left = "", right] = plain.split("::", 2);
  const before = left === "" ? [] : left.split(":");
  const after = right === undefined || right === "" ? [] : right.split(":");
  const zeros = right === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

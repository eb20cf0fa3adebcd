import { isIPv6 } from "node:net";
import { type MapNode, positionOf } from "../config/node.ts";
import {
  type ConfigPath,
  type ConfigProblem,
  formatPath,
  formatPosition,
} from "../config/problem.ts";
import type { DeclaredComponent } from "./config-components.ts";

/** An address on which something will listen, and the option that says so. */
export interface ListenAddress {
  readonly path: ConfigPath;
  /** `host` and `port`, or the path of a unix socket. */
  readonly address: { readonly host: string; readonly port: number } | string;
}

/** Where a component will listen, by its section as its schema reads it. */
export function listenAddressesOf({
  factory,
  path,
  section,
}: DeclaredComponent): readonly ListenAddress[] {
  const parsed = factory.schema.safeParse(section);
  return (factory.listensAt ?? []).flatMap((key) => {
    const address = addressOf(key.reduce(valueAt, parsed.data));
    return address === undefined ? [] : [{ path: [...path, ...key], address }];
  });
}

/** Two that would listen on one address: the second could not start. Each problem is at the later one and names the other. */
export function endpointClashes(
  root: MapNode,
  addresses: readonly ListenAddress[],
): readonly ConfigProblem[] {
  return addresses.flatMap((one, index) => {
    const earlier = addresses.slice(0, index).find((each) => overlaps(each.address, one.address));
    if (earlier === undefined) return [];
    const at = positionOf(root, one.path);
    const where = formatPosition(positionOf(root, earlier.path));
    return [
      {
        at,
        path: one.path,
        message: `is ${shown(one.address)}, where ${formatPath(earlier.path)} listens too (${shown(earlier.address)}, ${where}). Change one of them.`,
      },
    ];
  });
}

type Address = ListenAddress["address"];

/** Whether a client that connects to `target` on this machine reaches what listens on `address`. False if it may be another machine. */
export function isReachedBy(address: Address, target: Address): boolean {
  if (typeof address === "string" || typeof target === "string") return address === target;
  if (address.port !== target.port || address.port === 0) return false;
  const from = plainHost(address.host);
  return localHosts(target.host).some((host) => host === from || covers(from, host));
}

/** The addresses of this machine that a client tries for a host. */
function localHosts(host: string): readonly string[] {
  const plain = plainHost(host);
  if (host.toLowerCase().replace(/\.$/, "") === "localhost") return ["127.0.0.1", "::1"];
  // Connecting to any address reaches this machine.
  if (plain === "0.0.0.0") return ["0.0.0.0", "127.0.0.1"];
  if (plain === "::") return ["::", "::1", "127.0.0.1"];
  return plain === "::1" || /^127\./.test(plain) ? [plain] : [];
}

function overlaps(a: Address, b: Address): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  if (a.port !== b.port || a.port === 0) return false;
  const [one, other] = [plainHost(a.host), plainHost(b.host)];
  return one === other || covers(one, other) || covers(other, one);
}

/** A server on every address has also that of the other. One for IPv6 takes IPv4, too. */
function covers(host: string, other: string): boolean {
  return host === "::" || (host === "0.0.0.0" && !isIPv6(other));
}

/** The same text for the same address. */
function plainHost(host: string): string {
  const lower = host.toLowerCase();
  if (lower === "localhost") return "127.0.0.1";
  if (!isIPv6(lower) || lower.includes("%")) return lower;
  const short = new URL(`http://[${lower}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(short);
  if (mapped === null) return short;
  const [high, low] = [mapped[1], mapped[2]].map((part) => Number.parseInt(part ?? "0", 16));
  return [high ?? 0, low ?? 0].flatMap((part) => [part >> 8, part & 255]).join(".");
}

function shown(address: Address): string {
  if (typeof address === "string") return address;
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

function valueAt(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function addressOf(value: unknown): Address | undefined {
  if (typeof value === "string") return value;
  const host = valueAt(value, "host");
  const port = valueAt(value, "port");
  const path = valueAt(value, "path");
  if (typeof host === "string" && typeof port === "number") return { host, port };
  return typeof path === "string" ? path : undefined;
}

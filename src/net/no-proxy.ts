import { BlockList, isIP } from "node:net";
import { domainToASCII } from "node:url";

/**
 * Whether `NO_PROXY` exempts the host of a URL, by the rules of Go's client, which the Collector uses. The entries are separated by
 * commas: `*` is every host; `example.com` is that host and all below it, `.example.com` and `*.example.com` only those below;
 * an address is itself, `10.0.0.0/8` a network. A name or an address may have a port: `example.com:4318`. This machine (`localhost` and
 * the loopback addresses) is always exempt. Entries that cannot be read exempt nothing.
 */
export function isExemptFromProxy(noProxy: string, url: URL): boolean {
  const host: HostAndPort = {
    name: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? (defaultPorts[url.protocol] ?? "") : url.port,
  };
  return isLoopback(host.name) || noProxy.split(",").some((entry) => isNamedBy(entry, host));
}

interface HostAndPort {
  /** In lower case; an IPv6 address without brackets. */
  readonly name: string;
  readonly port: string;
}

const defaultPorts: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

function isLoopback(name: string): boolean {
  return name === "localhost" || isInNetwork(name, "127.0.0.0", 8) || isInNetwork(name, "::1", 128);
}

function isNamedBy(entry: string, host: HostAndPort): boolean {
  const text = entry.trim().toLowerCase();
  if (text === "*") {
    return true;
  }
  const [, network = "", prefix = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  if (isIP(network) !== 0) {
    return isInNetwork(host.name, network, Number(prefix));
  }
  const [, before = text, port = ""] = /^(\[.*\]|[^:]*):(\d*)$/.exec(text) ?? [];
  if (port !== "" && port !== host.port) {
    return false;
  }
  const name = before.replace(/^\[(.*)\]$/, "$1").replace(/^\*\./, ".");
  return isIP(name) === 0
    ? isInDomain(host.name, name)
    : isInNetwork(host.name, name, isIP(name) === 4 ? 32 : 128);
}

/** A domain with a leading dot does not include itself. */
function isInDomain(name: string, domain: string): boolean {
  // URLs have the ASCII form of names in other letters.
  const isAscii = /^[!-~]*$/.test(domain);
  const wanted = isAscii ? domain : domainToASCII(domain);
  if (wanted === "") {
    return false;
  }
  return wanted.startsWith(".")
    ? name.endsWith(wanted)
    : name === wanted || name.endsWith(`.${wanted}`);
}

function isInNetwork(name: string, network: string, prefix: number): boolean {
  const family = isIP(network);
  const nameFamily = isIP(name);
  if (nameFamily === 0 || prefix > (family === 4 ? 32 : 128)) {
    return false;
  }
  const list = new BlockList();
  list.addSubnet(network, prefix, family === 4 ? "ipv4" : "ipv6");
  // An IPv4 address in IPv6 notation is in IPv4 networks, too.
  return list.check(name, nameFamily === 4 ? "ipv4" : "ipv6");
}

import { describe, expect, test } from "vitest";
import { addressPeer, peerOf } from "../../src/net/peer.ts";

describe("a peer", () => {
  for (const [what, one, other, isSame] of [
    ["an IPv4 address", "10.0.0.1", "10.0.0.1", true],
    ["another IPv4 address", "10.0.0.1", "10.0.0.2", false],
    ["an IPv4 address written as one of IPv6", "10.0.0.1", "::ffff:10.0.0.1", true],
    ["two addresses of one network of IPv6", "2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", true],
    ["two networks of IPv6", "2001:db8:1:2::1", "2001:db8:1:3::1", false],
    ["a network with zeros, short and long", "2001:db8::1", "2001:db8:0:0:5::1", true],
    ["a link-local address with a zone", "fe80::1%eth0", "fe80::2", true],
    ["loopback of IPv6 and of IPv4", "::1", "127.0.0.1", false],
  ] as const) {
    test(`is ${isSame ? "the same" : "not the same"} for ${what}`, () => {
      expect(addressPeer(one) === addressPeer(other)).toBe(isSame);
    });
  }

  test("is the connection for a unix socket", () => {
    const connection = { remoteAddress: undefined };
    expect(peerOf(connection)).toBe(connection);
  });
});

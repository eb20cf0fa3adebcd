import { describe, expect, test } from "vitest";
import { FairShares, type RequestShare } from "../../src/net/fair-shares.ts";
import { FakeClock } from "../support/fake-clock.ts";
import fc from "../support/fast-check.ts";

function open({ requests = 1000, bytes = 16_000 } = {}) {
  const clock = new FakeClock();
  const shares = new FairShares({ maxRequests: requests, limitBytes: bytes }, clock);
  const cut: string[] = [];
  const connections = new Map<string, object>();
  const enter = (peer: string, connection = "1"): RequestShare => {
    const name = `${peer} ${connection}`;
    const known = connections.get(name) ?? {};
    connections.set(name, known);
    return shares.enter({ peer, connection: known });
  };
  /** A request whose body arrives, and is cut when others need its room. */
  const arriving = (peer: string, connection: string, taken: number) => {
    const share = enter(peer, connection);
    const isTaken = share.tryTake(taken);
    const waiting = share.wait(() => cut.push(`${peer} ${connection}`));
    clock.advance(1);
    return { share, waiting, isTaken };
  };
  return { clock, shares, cut, enter, arriving };
}

describe("bytes", () => {
  test("may all be of one request if nobody has any", () => {
    const only = open().enter("a");
    expect([only.tryTake(10_000), only.tryTake(6_000), only.tryTake(1)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("of a peer with several requests leave an eighth to other peers, and a small request a sixteenth", () => {
    const { enter, shares } = open();
    for (let index = 0; index < 7; index++) {
      expect(enter("a", String(index)).tryTake(2_000)).toBe(true);
    }
    expect(enter("a", "more").tryTake(1_000)).toBe(false);
    const small = Array.from({ length: 10 }, (_, index) => enter("a", `s${index}`).tryTake(250));
    expect(small).toEqual([...Array(4).fill(true), ...Array(6).fill(false)]);
    expect(shares.takenBytes).toBe(15_000);
    expect(enter("b").tryTake(1_000)).toBe(true);
  });

  test("of several requests of one connection are at most as many as are left", () => {
    const { enter } = open({ bytes: 1000 });
    const [first, second] = [enter("a"), enter("a")];
    expect([first.tryTake(300), second.tryTake(200), second.tryTake(1)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(enter("b").tryTake(500)).toBe(true);
    first.giveBack(300);
    expect(second.tryTake(100)).toBe(true);
  });

  test("that a request has when it leaves are free, once, and it takes no more", () => {
    const { enter, shares } = open();
    const share = enter("a");
    share.tryTake(500);
    share.leave();
    share.leave();
    share.giveBack(500);
    share.tryTake(100);
    expect(shares.takenBytes).toBe(0);
  });

  test("of the largest body that arrives are given up for a peer that has less than an equal share", () => {
    const { arriving, enter, cut } = open();
    arriving("a", "1", 6_000);
    arriving("a", "2", 7_000);
    arriving("b", "1", 500);
    const good = enter("c");
    expect(good.tryTake(5_000)).toBe(true);
    expect(cut).toEqual(["a 2"]);
  });

  test("are given up for another connection of the same peer, too", () => {
    const { arriving, enter, cut } = open();
    for (const connection of ["1", "2", "3"]) {
      arriving("a", connection, 4_600);
    }
    expect(enter("a", "good").tryTake(1_000)).toBe(true);
    expect(cut).toEqual(["a 1"]);
  });

  test("are not given up for a body that is announced to be larger than an equal share", () => {
    const { arriving, enter, cut } = open();
    arriving("a", "1", 6_000);
    arriving("a", "2", 7_500);
    const large = enter("a", "3");
    large.expect(6_000);
    expect([large.tryTake(500), large.tryTake(500)]).toEqual([true, false]);
    expect(cut).toEqual([]);
  });

  test("are not given up for a peer that has more itself", () => {
    const { arriving, cut } = open();
    arriving("b", "1", 2_000);
    const greedy = arriving("a", "1", 8_000);
    expect(greedy.share.tryTake(7_000)).toBe(false);
    expect(cut).toEqual([]);
  });

  test("are not taken from requests that no longer wait for their clients", () => {
    const { arriving, enter, cut } = open();
    for (const connection of ["1", "2"]) {
      arriving("a", connection, 6_500).waiting.end();
    }
    expect(enter("b").tryTake(8_000)).toBe(false);
    expect(cut).toEqual([]);
  });

  test("of a body that has stalled for 5 s are given up by a peer that has as many, and not before", () => {
    const { arriving, enter, cut, clock } = open();
    arriving("b", "small", 400);
    arriving("a", "1", 15_000);
    const more = enter("a", "2");
    expect(more.tryTake(9_000)).toBe(false);
    clock.advance(5_000);
    expect(more.tryTake(9_000)).toBe(true);
    expect(cut).toEqual(["a 1"]);
  });

  test("of a body that makes progress are kept, and a few bytes are none", () => {
    const { arriving, enter, cut, clock } = open();
    const quick = arriving("a", "quick", 8_000);
    const slow = arriving("a", "slow", 6_000);
    for (let second = 0; second < 10; second++) {
      clock.advance(1_000);
      quick.waiting.progressed(1_024);
      slow.waiting.progressed(500);
    }
    expect(enter("a", "2").tryTake(6_000)).toBe(true);
    expect(cut).toEqual(["a slow"]);
  });

  test("count for the client that a request turns out to be from", () => {
    const { enter } = open();
    const shared = enter("proxy", "1");
    const client = enter("proxy", "2");
    client.belongTo("client");
    expect([shared.tryTake(8_000), client.tryTake(8_000)]).toEqual([true, true]);
    client.leave();
    expect(enter("proxy", "3").tryTake(7_000)).toBe(false);
  });

  test("are never more than the limit, never less than none, and a peer below an equal share is refused only while others have some that arrives no more", () => {
    const step = fc.record({
      peer: fc.constantFrom("a", "b", "c"),
      connection: fc.constantFrom("1", "2", "3"),
      kind: fc.constantFrom("take", "take", "take", "finish", "leave"),
      bytes: fc.integer({ min: 1, max: 6_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { shares, enter } = open();
        const present = new Set<{
          peer: string;
          share: RequestShare;
          bytes: number;
          arrives: boolean;
        }>();
        for (const { peer, connection, kind, bytes } of steps) {
          const known = [...present].find((each) => each.peer === peer && each.arrives);
          if (kind === "leave") {
            known?.share.leave();
            if (known !== undefined) present.delete(known);
          } else if (kind === "finish" && known !== undefined) {
            known.arrives = false;
            known.share.wait(() => {}).end();
          } else {
            const share = enter(peer, connection);
            const entry = { peer, share, bytes: 0, arrives: true };
            present.add(entry);
            share.wait(() => present.delete(entry));
            const ofPeer = [...present].filter((each) => each.peer === peer);
            const isFirst = ofPeer.every((each) => each.bytes === 0);
            const doAllArrive = [...present].every((each) => each.arrives);
            const peers = new Set([...present].map((each) => each.peer)).size;
            if (share.tryTake(bytes)) {
              entry.bytes = bytes;
            } else {
              expect(isFirst && doAllArrive && bytes <= 16_000 / peers).toBe(false);
              share.leave();
              present.delete(entry);
            }
          }
          const sum = [...present].reduce((total, each) => total + each.bytes, 0);
          expect(shares.takenBytes).toBe(sum);
          expect(sum).toBeLessThanOrEqual(16_000);
        }
        for (const { share } of present) share.leave();
        expect(shares.takenBytes).toBe(0);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("requests", () => {
  test("of few connections leave room for one of another", () => {
    const { enter } = open();
    let taken = 0;
    for (let turn = 0; turn < 100; turn++) {
      for (let connection = 0; connection < 10; connection++) {
        const request = enter("a", String(connection));
        if (request.fits()) {
          taken += 1;
        } else {
          request.leave();
        }
      }
    }
    expect(taken).toBe(875);
    expect(enter("b").fits()).toBe(true);
  });

  test("that have left leave room, once", () => {
    const { enter } = open({ requests: 1 });
    const first = enter("a");
    expect([first.fits(), enter("a", "2").fits()]).toEqual([true, false]);
    first.leave();
    first.leave();
    expect(enter("a", "3").fits()).toBe(false);
  });

  test("of the peer that has most make room, those that wait for longest first", () => {
    const { arriving, enter, cut } = open({ requests: 4 });
    arriving("b", "1", 0);
    arriving("a", "1", 0);
    arriving("a", "2", 0);
    arriving("a", "3", 0).waiting.end();
    expect(enter("b", "2").fits()).toBe(true);
    expect(cut).toEqual(["a 1"]);
    expect(enter("a", "4").fits()).toBe(true);
    expect(cut).toEqual(["a 1", "a 2"]);
  });

  test("of a peer that has fewer are not cut", () => {
    const { arriving, enter, cut } = open({ requests: 2 });
    arriving("b", "1", 0);
    const own = arriving("a", "1", 0);
    own.waiting.end();
    expect(enter("a", "2").fits()).toBe(false);
    expect(cut).toEqual([]);
  });

  test("on one of some connections are cut when asked, the longest without progress first", () => {
    const { arriving, shares, cut } = open();
    const first = arriving("a", "1", 10);
    arriving("a", "2", 10);
    first.waiting.progressed(5 * 1024);
    expect(shares.cutWaiting(() => true)).toBeDefined();
    expect(cut).toEqual(["a 2"]);
    first.waiting.end();
    expect(shares.cutWaiting(() => true)).toBeUndefined();
  });
});

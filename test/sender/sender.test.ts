import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createHttpClient, type PostOutcome } from "../../src/sender/http-client.ts";
import { SendQueue } from "../../src/sender/send-queue.ts";
import { Sender, type SenderOptions } from "../../src/sender/sender.ts";
import { type Deferred, deferred } from "../support/deferred.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type Mood, startMoodyServer } from "./moody-server.ts";

const accepted: PostOutcome = { status: "accepted", isReconnected: false };
const reconnected: PostOutcome = { status: "accepted", isReconnected: true };
const away = { status: "retryable", message: "It is away." } as const;
const refused: PostOutcome = { status: "permanent", message: "It answered with status 400." };
const patience = { firstMs: 500, longestMs: 4_000, longestAskedMs: 30_000 };

let clock: FakeClock;
let queue: SendQueue<string>;
let sender: Sender<string>;
/** What requests will come to; when there are no more, they hang. */
let outcomes: PostOutcome[];
/** What each request brought. */
let posted: string[];
/** What the sender said of them, and of itself. */
let events: string[];
let hanging: Deferred<PostOutcome>[];

beforeEach(() => {
  clock = new FakeClock();
  queue = new SendQueue({ limit: 100 });
  outcomes = [];
  posted = [];
  events = [];
  hanging = [];
});

function create(options: Partial<SenderOptions<string>> = {}, waiting: readonly string[] = []) {
  sender = new Sender({
    clock,
    backOff: patience,
    client: {
      post({ body }, cutOff) {
        posted.push(Buffer.from(body).toString());
        const outcome = outcomes.shift();
        if (outcome !== undefined) {
          return Promise.resolve(outcome);
        }
        const hangs = deferred<PostOutcome>();
        hanging.push(hangs);
        cutOff?.addEventListener("abort", () => hangs.resolve({ ...away, message: "Cut off." }));
        return hangs.promise;
      },
      close: () => events.push("closed"),
    },
    keepAlive() {
      events.push("kept alive");
      return () => void events.push("let go");
    },
    next: () => queue.head(2),
    encode: async (batch) => ({ signal: "traces", body: Buffer.from(batch.join()) }),
    onAccepted(batch, { wasAway, isReconnected }) {
      queue.remove(batch);
      events.push(`took ${batch}${wasAway ? ", was away" : ""}${isReconnected ? ", anew" : ""}`);
    },
    onRefused(batch, message) {
      queue.remove(batch);
      events.push(`refused ${batch}: ${message}`);
    },
    onAway: (message, failures) => events.push(`${message} ${failures}`),
    ...options,
  });
  for (const each of waiting) {
    queue.push(each);
  }
}

/** Lets time pass, and what is answered arrive. */
async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

describe("what waits is sent", () => {
  test("after the delay, in batches, one at a time", async () => {
    create({}, ["a", "b", "c"]);
    sender.wake(200);
    await pass(199);
    expect(posted).toEqual([]);
    await pass(1);
    expect(posted).toEqual(["a,b"]);
    hanging[0]!.resolve(accepted);
    await pass(0);

    expect(posted).toEqual(["a,b", "c"]);
  });

  test("after it was collected, once for all batches", async () => {
    outcomes = [accepted, accepted];
    const onStart = () => {
      for (const each of ["a", "b", "c"]) {
        queue.push(each);
      }
      events.push("collected");
    };
    create({ onStart });
    await sender.flush(1_000);

    expect(events).toEqual(["kept alive", "collected", "took a,b", "took c", "let go"]);
  });

  test("when it is woken first, whatever comes later", async () => {
    outcomes = [accepted];
    create({}, ["a"]);
    sender.wake(200);
    await pass(100);
    sender.wake(200);
    await pass(100);

    expect(posted).toEqual(["a"]);
  });

  test("when it is woken while a request is on its way, after that", async () => {
    create({}, ["a"]);
    sender.wake(0);
    await pass(0);
    sender.wake(200);
    await pass(1_000);
    hanging[0]!.resolve(accepted);
    await pass(0);
    queue.push("b");
    await pass(0);

    expect(posted).toEqual(["a", "b"]);
  });
});

describe("an outcome", () => {
  for (const [title, script, posts, said] of [
    ["accepted", [accepted, accepted], ["a,b", "c"], ["took a,b", "took c"]],
    [
      "accepted over another connection",
      [reconnected, accepted],
      ["a,b", "c"],
      ["took a,b, anew", "took c"],
    ],
    [
      "refused",
      [refused, accepted],
      ["a,b", "c"],
      ["refused a,b: It answered with status 400.", "took c"],
    ],
    ["away", [away], ["a,b"], ["It is away. 1"]],
  ] as const) {
    test(`${title}: ${said.join("; ")}`, async () => {
      outcomes = [...script];
      create({}, ["a", "b", "c"]);
      sender.wake(0);
      await pass(0);

      expect([posted, events]).toEqual([posts, said]);
    });
  }

  test("accepted after failures says that it was away, once, and also if it refused in between", async () => {
    outcomes = [away, away, refused, accepted, accepted];
    create({}, ["a", "b", "c", "d", "e", "f"]);
    sender.wake(0);
    for (const ms of [0, 500, 1_000]) {
      await pass(ms);
    }

    expect(events).toEqual([
      "It is away. 1",
      "It is away. 2",
      "refused a,b: It answered with status 400.",
      "took c,d, was away",
      "took e,f",
    ]);
  });

  for (const [title, encode] of [
    ["there is no request for", async () => undefined],
    ["has no request because of a defect", () => Promise.reject(new Error("no"))],
  ] as const) {
    test(`of a batch that ${title} is that it is refused`, async () => {
      create({ encode }, ["a"]);

      expect(await sender.flush(1_000)).toBe(true);
      expect(events).toContain("refused a: They could not be encoded.");
    });
  }
});

describe("a collector that is away", () => {
  test("is tried again after pauses that grow up to a limit, and begin anew when it was back", async () => {
    outcomes = [away, away, away, away, away, accepted, away, accepted];
    create({}, ["a"]);
    sender.wake(0);
    await pass(0);
    for (const pauseMs of [500, 1_000, 2_000, 4_000, 4_000]) {
      const before = posted.length;
      await pass(pauseMs - 1);
      expect(posted).toHaveLength(before);
      await pass(1);
      expect(posted).toHaveLength(before + 1);
    }
    queue.push("b");
    sender.wake(0);
    await pass(0);
    await pass(500);

    expect(queue.length).toBe(0);
  });

  for (const [title, retryAfterMs, pauseMs] of [
    ["longer", 3_000, 3_000],
    ["shorter", 0, 500],
    ["for ever", 86_400_000, 30_000],
  ] as const) {
    test(`and asks for ${title} is left alone for ${pauseMs} ms`, async () => {
      outcomes = [{ ...away, retryAfterMs }, accepted];
      create({}, ["a"]);
      sender.wake(0);
      await pass(0);
      await pass(pauseMs - 1);
      expect(posted).toHaveLength(1);
      await pass(1);

      expect(posted).toHaveLength(2);
    });
  }

  test("is spared by chance", async () => {
    outcomes = [away, accepted];
    create({ chance: () => 0 }, ["a"]);
    sender.wake(0);
    await pass(0);
    await pass(334);

    expect(posted).toHaveLength(2);
  });

  test("is not left alone any longer once a flush reached it", async () => {
    outcomes = [away, accepted, accepted];
    create({}, ["a"]);
    sender.wake(0);
    await pass(0);
    await sender.flush(1_000);
    queue.push("b");
    sender.wake(0);
    await pass(0);

    expect(posted).toEqual(["a", "a", "b"]);
  });

  test("is not tried earlier because there is more to send, but for a flush", async () => {
    outcomes = [away, accepted];
    create({}, ["a"]);
    sender.wake(0);
    await pass(0);
    sender.wake(0);
    await pass(499);
    expect(posted).toHaveLength(1);

    expect(await sender.flush(1_000)).toBe(true);
  });
});

describe("a flush", () => {
  test("sends at once, keeps the process alive meanwhile, and says that all is sent", async () => {
    outcomes = [accepted, accepted];
    create({}, ["a", "b", "c"]);

    expect(await sender.flush(1_000)).toBe(true);
    expect(events).toEqual(["kept alive", "took a,b", "took c", "let go"]);
  });

  test("makes one attempt, and says that something is left", async () => {
    outcomes = [away];
    create({}, ["a"]);

    expect(await sender.flush(1_000)).toBe(false);
    expect([posted, queue.length]).toEqual([["a"], 1]);
  });

  test("waits for the request that is on its way, and sends what came since", async () => {
    create({}, ["a"]);
    sender.wake(0);
    await pass(0);
    const flushed = sender.flush(1_000);
    outcomes = [accepted];
    queue.push("b");
    hanging[0]!.resolve(accepted);

    expect(await flushed).toBe(true);
    expect(posted).toEqual(["a", "b"]);
  });

  test("ends at its deadline where a server hangs; the request is cut off and its batch sent again", async () => {
    create({}, ["a"]);
    const flushed = sender.flush(1_000);
    await pass(0);
    await pass(1_000);
    expect(await flushed).toBe(false);
    expect(events).toEqual(["kept alive", "let go", "Cut off. 1"]);
    outcomes = [accepted];
    await pass(500);

    expect([posted, queue.length]).toEqual([["a", "a"], 0]);
  });

  test("ends at its deadline where the request before hangs, and sends nothing after it", async () => {
    create({}, ["a"]);
    sender.wake(0);
    await pass(0);
    const flushed = sender.flush(1_000);
    await pass(1_000);

    expect(await flushed).toBe(false);
    expect(posted).toEqual(["a"]);
  });

  test("whose deadline is over sends nothing", async () => {
    create({}, ["a"]);

    expect([await sender.flush(0), posted]).toEqual([false, []]);
  });

  test("at the same time as another one shares its request", async () => {
    create({}, ["a"]);
    const both = Promise.all([sender.flush(1_000), sender.flush(60_000)]);
    await pass(0);
    hanging[0]!.resolve(accepted);

    expect([await both, posted]).toEqual([[true, true], ["a"]]);
  });

  test("that ends in time does not cut off the next one", async () => {
    create({}, ["a"]);
    const first = sender.flush(1_000);
    await pass(0);
    const second = sender.flush(1_000);
    hanging[0]!.resolve(away);
    await pass(0);
    hanging[1]!.resolve(accepted);

    expect([await first, await second, posted]).toEqual([false, true, ["a", "a"]]);
  });
});

test("nothing is sent after the close, not even by a flush", async () => {
  create({}, ["a"]);
  sender.wake(100);
  sender.close();
  sender.wake(0);
  await pass(1_000);

  expect([await sender.flush(1_000), posted]).toEqual([false, []]);
  expect(events).toContain("closed");
});

for (const hook of ["onStart", "next", "onAccepted", "onRefused", "onAway"] as const) {
  test(`${hook} that throws harms nobody, and is called again after a pause`, async () => {
    let calls = 0;
    const script = {
      onStart: accepted,
      next: accepted,
      onAccepted: accepted,
      onRefused: refused,
      onAway: away,
    };
    outcomes = [script[hook], script[hook], script[hook], script[hook]];
    create(
      {
        [hook]() {
          calls += 1;
          throw new Error("a defect");
        },
      },
      ["a"],
    );

    expect(await sender.flush(1_000)).toBe(false);
    const before = calls;
    await pass(499);
    expect(calls).toBe(before);
    await pass(10_000);
    expect(calls).toBeGreaterThan(before);
  });
}

describe("over a connection", () => {
  let close = async () => {};
  afterEach(() => close());

  const ok = { status: 200 } as const;
  for (const [title, moods, want] of [
    ["takes all", [ok], ["a,b", "c,d"]],
    ["resets the first connection", ["reset", ok], ["a,b", "a,b", "c,d"]],
    ["closes a connection as it is used again", [ok, "reset", ok], ["a,b", "c,d", "c,d"]],
    ["hangs", ["hang", ok], ["a,b", "a,b", "c,d"]],
    ["breaks off its answer", ["break off", ok], ["a,b", "c,d"]],
    ["is overloaded", [{ status: 503 }, { status: 429 }, ok], ["a,b", "a,b", "a,b", "c,d"]],
    ["refuses one", [{ status: 400 }, ok], ["a,b", "c,d"]],
  ] as const satisfies readonly (readonly [string, readonly Mood[], readonly string[]])[]) {
    test(`to a server that ${title}, what waits arrives in order`, async () => {
      const server = await startMoodyServer(moods);
      close = server.close;
      const client = createHttpClient({
        endpoint: server.url,
        headers: {},
        timeoutMs: 5_000,
        clock,
      });
      create({ client }, ["a", "b", "c", "d"]);
      sender.wake(0);
      while (queue.length > 0) {
        await pass(100);
      }
      sender.close();

      expect(server.requests.map(({ body }) => body)).toEqual(want);
    });
  }
});

import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { dialectRows } from "../../src/activity/model/dialects.ts";
import { components } from "../../src/components.ts";
import { schema } from "../../src/processors/session_activity/config.ts";
import { familiesOf } from "../e2e/dialect-families.ts";
import { pathOf } from "../support/repository.ts";
import { type Canary, CanaryMint, randomOf } from "./canary-mint.ts";
import { badConfigs } from "./config-canaries.ts";
import { feed } from "./feed.ts";
import { leakEntries, leakEntryOf, type Place } from "./leak-entries.ts";
import { type Finding, LeakSearch } from "./leak-search.ts";
import { mistakes, plants } from "./plants.ts";
import { type Channel, openStage } from "./stage.ts";

/** A test that fails must fail again, so there it is always the same; `npm run leaks` draws others, and says which. */
const firstSeed = Number(
  process.env["LEAK_SEED"] ??
    (process.env["LEAK_ROUNDS"] === undefined ? 1 : Date.now() % 1_000_000),
);
const rounds = Number(process.env["LEAK_ROUNDS"] ?? 1);

interface Result {
  readonly mint: CanaryMint;
  readonly channels: readonly Channel[];
  readonly findings: readonly Finding[];
}

async function run(
  seed: number,
  {
    env = {},
    malformed,
  }: { readonly env?: Readonly<Record<string, string>>; readonly malformed: number },
): Promise<Result> {
  const mint = new CanaryMint(randomOf(seed));
  const stage = await openStage({
    mint,
    env,
    logEncoding: seed % 2 === 0 ? "console" : "json",
  });
  try {
    await feed(stage, mint, { malformed, reloads: badConfigs(mint) });
    const channels = await stage.end();
    const search = new LeakSearch(mint.canaries);
    const findings = channels.flatMap(({ name, bytes, allows = () => false }) =>
      search.findIn(name, bytes).filter(({ canary }) => !allows(canary)),
    );
    return { mint, channels, findings };
  } finally {
    await stage.close();
  }
}

/** What the failure of a test shows. */
function described({ canary, channel, encoding, excerpt }: Finding): string {
  return `${channel}: ${canary.origin}${encoding === "" ? "" : ` (${encoding})`}: …${excerpt}…`;
}

for (let round = 0; round < rounds; round++) {
  const seed = firstSeed + round;
  describe(`what the collector sends, shows and writes (LEAK_SEED=${seed})`, () => {
    let result: Result;
    beforeAll(async () => {
      result = await run(seed, { malformed: rounds > 1 ? 400 : 100 });
    }, 400_000);

    test("has nothing of what was sent to it or is secret, in any encoding", () => {
      expect(result.findings.map(described)).toEqual([]);
    });

    test("is there to be searched, in every channel of every component", () => {
      const filled = new Set(
        result.channels.filter(({ bytes }) => bytes.length > 100).map(({ name }) => name),
      );
      expect(filled).toContain("recording");
      for (const [key, { searched }] of Object.entries(leakEntries)) {
        expect(
          searched.filter((name) => !filled.has(name)),
          key,
        ).toEqual([]);
      }
    });
  });
}

describe("planted leaks", () => {
  let result: Result;
  const leaked = new Map<string, Set<Canary>>();
  beforeAll(async () => {
    const env = { NODE_OPTIONS: `--import=${pathOf("test/leaks/plant-hooks.ts")}` };
    result = await run(firstSeed, { env, malformed: 10 });
    for (const { channel, canary } of result.findings) {
      leaked.set(channel, (leaked.get(channel) ?? new Set()).add(canary));
    }
  }, 400_000);

  for (const { name, channel, encoding } of plants) {
    test(`${name} is found in the ${channel}, written as ${encoding}`, () => {
      const ids = result.findings.filter(
        ({ channel: where, canary }) => where === channel && /^header beside /.test(canary.origin),
      );
      expect(ids.length, `${name} in ${channel}`).toBeGreaterThan(0);
    });
  }
  for (const { name, channels } of mistakes) {
    test(`the mistake "${name}" is found in the ${channels.join(", ")}`, () => {
      expect(channels.filter((channel) => !leaked.has(channel))).toEqual([]);
    });
  }
});

describe("the suite", () => {
  test("has an entry for every component", () => {
    for (const factory of components) {
      expect(() => leakEntryOf(factory)).not.toThrow();
    }
    const keys = components.map(({ kind, type }) => `${kind} ${type}`);
    expect(Object.keys(leakEntries).filter((key) => !keys.includes(key))).toEqual([]);
  });

  test("says what to add for a component without one", () => {
    expect(() => leakEntryOf({ kind: "processor", type: "new" })).toThrow(
      'Add "processor new" to test/leaks/leak-entries.ts',
    );
  });

  test("has every switch of session_activity on", () => {
    const { shape } = z.object(schema.shape);
    const switches = Object.entries(shape).filter(
      ([, option]) =>
        z.toJSONSchema(option, { io: "input", unrepresentable: "any" }).type === "boolean",
    );
    const place = { mint: new CanaryMint(randomOf(1)), reference: (text: string) => text };
    const { "": instance } = leakEntries["processor session_activity"]!.instances(place as Place);
    expect(switches.length).toBeGreaterThan(3);
    for (const [name] of switches) {
      expect(instance?.section[name], name).toBe(true);
    }
  });

  test("sends every dialect in which work is reported", () => {
    const sent = new Set(familiesOf({}).map(({ dialect }) => dialect));
    expect(dialectRows.map(({ name }) => name).filter((name) => !sent.has(name))).toEqual([]);
  });

  test("gives a reason for everything that is not searched", () => {
    for (const [key, { leftOut = {} }] of Object.entries(leakEntries)) {
      for (const reason of Object.values(leftOut)) {
        expect(reason.length, key).toBeGreaterThan(40);
      }
    }
  });
});

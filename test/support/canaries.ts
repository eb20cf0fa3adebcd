import { randomBytes } from "node:crypto";

/** Ids that must leave the collector in nothing of its own, each one of a kind. */
export interface Canaries {
  /** Value of an attribute by its key; every value holds a token of its own. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Another value with a new token, of the form `shape` makes around it. */
  mint(shape?: (token: string) => string): string;
  /** Takes the hex of a trace or span id for a token: as text it must not occur either. */
  add(id: Uint8Array): void;
  /** Takes an id that came from elsewhere for a token; one so short that it may occur by chance is let go. */
  watch(id: string): void;
  /** The tokens that occur in `text`, whatever their case. */
  foundIn(text: string): readonly string[];
}

/** The keys under which OpenClaw and GenAI senders put ids. */
const idKeys = [
  "openclaw.sessionId",
  "session.id",
  "gen_ai.conversation.id",
  "openclaw.runId",
  "openclaw.toolCallId",
  "gen_ai.tool.call.id",
  "openclaw.chatId",
  "openclaw.messageId",
];

const shortestWatched = 9;

export function createCanaries(): Canaries {
  const tokens: string[] = [];
  const mint = (shape = (token: string) => `canary-${token}`) => {
    // As long as no number or hash of ours, so that a hit is never chance.
    const token = randomBytes(10).toString("hex");
    tokens.push(token);
    return shape(token);
  };
  return {
    mint,
    add: (id) => void tokens.push(Buffer.from(id).toString("hex")),
    watch(id) {
      if (id.length >= shortestWatched) {
        tokens.push(id.toLowerCase());
      }
    },
    attributes: {
      "openclaw.sessionKey": mint((token) => `agent:main:whatsapp:direct:${token}`),
      ...Object.fromEntries(idKeys.map((key) => [key, mint()])),
    },
    foundIn(text) {
      const lower = text.toLowerCase();
      return tokens.filter((token) => lower.includes(token));
    },
  };
}

import type { OpenFile } from "./file-system.ts";
import type { Framing } from "./message-encoding.ts";

const lineFeed = 0x0a;
const blockBytes = 1024 * 1024;
/** A line that is longer is not parsed to find out whether only its line feed is missing. */
const maxParsedBytes = 64 * blockBytes;

/** What a file that is continued must get so that it ends with a whole message. */
export type Repair =
  | { readonly kind: "none" }
  /** The last message is whole, but its line feed is missing. */
  | { readonly kind: "end_line" }
  /** A crash interrupted the last write: the rest from here on is no message. */
  | { readonly kind: "cut"; readonly sizeBytes: number };

/** Finds out how a file ends. It reads the last line, or the lengths of all messages. */
export function repairOf(file: OpenFile, framing: Framing, sizeBytes: number): Promise<Repair> {
  return framing === "lines" ? repairOfLines(file, sizeBytes) : repairOfLengths(file, sizeBytes);
}

async function repairOfLines(file: OpenFile, sizeBytes: number): Promise<Repair> {
  const blocks: Uint8Array[] = [];
  for (let end = sizeBytes; end > 0; ) {
    const start = Math.max(0, end - blockBytes);
    const block = new Uint8Array(end - start);
    await file.read(block, start);
    const at = block.lastIndexOf(lineFeed);
    if (at >= 0) {
      const lineStart = start + at + 1;
      return lastLineRepair([block.subarray(at + 1), ...blocks], { lineStart, sizeBytes });
    }
    if (sizeBytes - start <= maxParsedBytes) {
      blocks.unshift(block);
    }
    end = start;
  }
  return lastLineRepair(blocks, { lineStart: 0, sizeBytes });
}

function lastLineRepair(
  blocks: readonly Uint8Array[],
  { lineStart, sizeBytes }: { readonly lineStart: number; readonly sizeBytes: number },
): Repair {
  if (lineStart === sizeBytes) {
    return { kind: "none" };
  }
  const isWhole = sizeBytes - lineStart <= maxParsedBytes && isJson(Buffer.concat(blocks));
  return isWhole ? { kind: "end_line" } : { kind: "cut", sizeBytes: lineStart };
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
}

/** Reads in blocks, because a call for each of many small messages would take minutes. */
async function repairOfLengths(file: OpenFile, sizeBytes: number): Promise<Repair> {
  const block = Buffer.alloc(blockBytes);
  let [blockStart, blockEnd] = [0, 0];
  let at = 0;
  while (at + 4 <= sizeBytes) {
    if (at < blockStart || at + 4 > blockEnd) {
      blockStart = at;
      blockEnd = at + (await file.read(block, at));
      if (at + 4 > blockEnd) {
        break; // The file has become shorter.
      }
    }
    const next = at + 4 + block.readUInt32BE(at - blockStart);
    if (next > sizeBytes) {
      break;
    }
    at = next;
  }
  return at === sizeBytes ? { kind: "none" } : { kind: "cut", sizeBytes: at };
}

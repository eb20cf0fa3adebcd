import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import { jsonOfRequest } from "../../otlp/json-text.ts";
import type { Payload } from "../../otlp/payload.ts";
import type { Config } from "./config.ts";

/** How the end of a message is found in the file. */
export type Framing = "lines" | "lengths";

/** Only text can be separated by lines. */
export function framingOf({
  format,
  compression,
}: Pick<Config, "format" | "compression">): Framing {
  return format === "json" && compression === undefined ? "lines" : "lengths";
}

const compressZstd = promisify(zstdCompress);

/** The content of a message, without compression, and how many parts of the payload it lacks. */
export function contentOf(
  { signal, bytes }: Payload,
  format: Config["format"],
): { readonly content: Uint8Array; readonly incomplete: number } {
  if (format === "proto") {
    return { content: bytes, incomplete: 0 };
  }
  const { text, incomplete } = jsonOfRequest(signal, bytes);
  return { content: Buffer.from(text), incomplete };
}

/** A message as it is in the file: a line, or the length in 4 bytes, big-endian, and the bytes. */
export async function framed(
  content: Uint8Array,
  config: Pick<Config, "format" | "compression">,
): Promise<Uint8Array> {
  if (framingOf(config) === "lines") {
    return Buffer.concat([content, lineEnd]);
  }
  const body = config.compression === undefined ? content : await compressZstd(content);
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, body.length);
  return Buffer.concat([new Uint8Array(length.buffer), body]);
}

const lineEnd = Uint8Array.of(0x0a);

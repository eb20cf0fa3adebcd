import { jsonText } from "../../src/otlp/exact-json.ts";
import * as json from "../../src/otlp/json.ts";
import type { Signal } from "../../src/otlp/payload.ts";

/** The request in a JSON text. */
export function requestFromJson(
  signal: Signal,
  text: string,
): ReturnType<typeof json.requestFromJson> {
  return json.requestFromJson(signal, jsonText(Buffer.from(text)));
}

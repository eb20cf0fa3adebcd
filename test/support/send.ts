import type { Signal } from "../../src/otlp/payload.ts";

export interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** Posts a body as an OTLP/HTTP exporter does, protobuf unless said otherwise. */
export async function send(
  base: string,
  signal: Signal,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Sent> {
  const response = await fetch(`${base}/v1/${signal}`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf", ...headers },
    body,
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes };
}

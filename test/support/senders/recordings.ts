import { readdirSync, readFileSync } from "node:fs";
import type { Signal } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { requestFromJson } from "../json-requests.ts";
import { pathOf } from "../repository.ts";

/** One request that a real sender made. */
export interface RecordedRequest {
  readonly signal: Signal;
  readonly atMs: number;
  /** As protobuf, also where it was sent as JSON. */
  readonly bytes: Uint8Array;
}

/** Every recording there is, as `<sender>/<scenario>`. */
export function recordings(): readonly string[] {
  return foldersIn("test/testdata/senders").flatMap((sender) =>
    foldersIn(`test/testdata/senders/${sender}`).map((scenario) => `${sender}/${scenario}`),
  );
}

/** The requests of a recording in their order of arrival. */
export function requestsOf(recording: string): readonly RecordedRequest[] {
  const folder = pathOf(`test/testdata/senders/${recording}`);
  return readFileSync(`${folder}/index.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const { id, signal, at, contentType } = JSON.parse(line) as {
        id: string;
        signal: Signal;
        at: number;
        contentType: string;
      };
      const isJson = contentType.includes("json");
      const body = readFileSync(`${folder}/${id}-${signal}.${isJson ? "json" : "bin"}`);
      return { signal, atMs: at, bytes: isJson ? protobufOf(signal, body) : body };
    });
}

/**
 * The finished spans of a traces request: without the pending spans of Logfire and the snapshots of
 * Datadog, which are spans only in form.
 */
export function finishedSpans(bytes: Uint8Array): Uint8Array {
  const { resourceSpans } = otlp.ExportTraceServiceRequest.decode(bytes);
  return otlp.ExportTraceServiceRequest.encode({
    resourceSpans: resourceSpans.map((resource) => ({
      ...resource,
      scopeSpans: (resource.scopeSpans ?? []).map((scope) => ({
        ...scope,
        spans: (scope.spans ?? []).filter((span) => !isStart(span)),
      })),
    })),
  }).finish();
}

function isStart({ attributes }: otlp.ISpan): boolean {
  return (attributes ?? []).some(
    ({ key, value }) =>
      key === "_dd.partial_version" ||
      (key === "logfire.span_type" && value?.stringValue === "pending_span"),
  );
}

function protobufOf(signal: Signal, body: Uint8Array): Uint8Array {
  const request = requestFromJson(signal, Buffer.from(body).toString("utf8"));
  if (!request.ok) {
    throw new Error(request.message);
  }
  return request.bytes;
}

function foldersIn(path: string): readonly string[] {
  return readdirSync(pathOf(path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

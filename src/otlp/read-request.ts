import { type CheckedRequest, checkRequest, type UnusableRequest } from "./check-request.ts";
import type { Encoding } from "./encode.ts";
import { type JsonText, jsonText } from "./exact-json.ts";
import { type ConvertedRequest, requestFromJson, requestFromValue } from "./json.ts";
import type { Signal } from "./payload.ts";
import { rejectionMessage, sumOf } from "./rejections.ts";

/** Reads an inflated body: converts JSON to protobuf, and checks it. Never throws. */
export function readRequest(signal: Signal, encoding: Encoding, body: Uint8Array): CheckedRequest {
  return encoding === "json" ? readJsonRequest(signal, jsonText(body)) : checkRequest(signal, body);
}

/** The same for a JSON body that was looked through. */
export function readJsonRequest(signal: Signal, text: JsonText): CheckedRequest {
  return checkConverted(signal, requestFromJson(signal, text));
}

/** The same for a request that `parseRequest` has read. */
export function readRequestValue(signal: Signal, request: unknown): CheckedRequest {
  return checkConverted(signal, requestFromValue(signal, request));
}

/** Checks a request that was JSON. What was left out there and what the check leaves out are one sum. */
function checkConverted(
  signal: Signal,
  converted: ConvertedRequest | UnusableRequest,
): CheckedRequest {
  const checked = converted.ok ? checkRequest(signal, converted.bytes) : converted;
  if (!converted.ok || !checked.ok) {
    return checked;
  }
  const { bytes, items } = checked;
  const rejectedBy = sumOf(converted.rejectedBy, checked.rejectedBy);
  const repairedBy = sumOf(converted.repairedBy, checked.repairedBy);
  const misdirected = converted.misdirected ?? checked.misdirected;
  return {
    ok: true,
    bytes,
    items,
    rejected: [...rejectedBy.values()].reduce((sum, count) => sum + count, 0),
    ...(rejectedBy.size === 0 ? {} : { reason: rejectionMessage(signal, rejectedBy), rejectedBy }),
    ...(repairedBy.size === 0 ? {} : { repairedBy }),
    ...(misdirected === undefined ? {} : { misdirected }),
  };
}

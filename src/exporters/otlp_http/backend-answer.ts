import type { PartialSuccess } from "../../otlp/encode.ts";
import { decodeExportResponse, isExportResponse } from "../../otlp/encode.ts";
import { partialSuccessOfJson } from "../../otlp/json-response.ts";
import type { Signal } from "../../otlp/payload.ts";

/** The body of the answer to a request that the backend accepted, or why it was not read to its end. */
export type Answer =
  | { readonly kind: "whole"; readonly contentType: string; readonly bytes: Uint8Array }
  | { readonly kind: "too_long" | "cut_short" | "too_slow" }
  /** Because this collector stops; the backend is not to blame. */
  | { readonly kind: "aborted" };

/** What an answer says: how many items the backend rejected, or why it is not a response of OTLP. */
export type AnswerContent =
  | { readonly isValid: true; readonly rejected: number }
  | { readonly isValid: false; readonly reason: string };

const complete: AnswerContent = { isValid: true, rejected: 0 };

/**
 * Reads the answer to an accepted request. An empty body is valid, whatever its type: many backends answer 204 or an empty 200. The
 * reasons complete a sentence that begins with "Its answer"; they contain no text of the backend.
 */
export function contentOf(signal: Signal, answer: Answer): AnswerContent {
  switch (answer.kind) {
    case "whole":
      return answer.bytes.length === 0 ? complete : contentOfBody(signal, answer);
    case "too_long":
      return invalid("it is longer than 64 KiB");
    case "cut_short":
      return invalid("it was cut short");
    case "too_slow":
      return invalid("it did not end within timeout");
    case "aborted":
      return complete;
    default: {
      const never: never = answer;
      return never;
    }
  }
}

function contentOfBody(
  signal: Signal,
  { contentType, bytes }: { readonly contentType: string; readonly bytes: Uint8Array },
): AnswerContent {
  const type = contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  switch (type) {
    case "application/x-protobuf":
      return isExportResponse(signal, bytes)
        ? validWith(decodeExportResponse(signal, bytes))
        : invalid("it cannot be decoded as protobuf");
    case "application/json": {
      const partial = partialSuccessOfJson(signal, bytes);
      return partial === undefined ? invalid("it cannot be decoded as JSON") : validWith(partial);
    }
    case "text/html":
      return invalid("it is a web page (text/html)");
    default:
      return invalid("its content type is neither application/x-protobuf nor application/json");
  }
}

function validWith(partial: PartialSuccess | undefined): AnswerContent {
  return { isValid: true, rejected: partial?.rejected ?? 0 };
}

function invalid(reason: string): AnswerContent {
  return { isValid: false, reason };
}

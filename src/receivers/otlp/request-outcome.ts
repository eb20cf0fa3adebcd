import type { ConsumeResult } from "../../component/consumer.ts";
import type { PartialSuccess } from "../../otlp/encode.ts";
import type { Refusal } from "./refusal.ts";

/** A result of the pipelines that is not success. */
export type Failure = Exclude<ConsumeResult, { readonly status: "accepted" }>;

/** What became of a request. Each transport converts it to an answer of its own. */
export type Outcome =
  /** `partial` is set only if something was rejected: OTLP requires that the field is left out otherwise. */
  { readonly status: "accepted"; readonly partial?: PartialSuccess } | Failure | Refusal;

import { lengthField } from "../src/otlp/byte-replacements.ts";
import type { Signal } from "../src/otlp/payload.ts";

const tags = {
  one: 0x0a,
  two: 0x12,
  array: 0x2a,
  map: 0x32,
  attribute: 0x4a,
  event: 0x5a,
} as const;
const { one, two, array, map } = tags;

/** A request of one span or log record with very many of something. */
export interface LongRequest {
  readonly signal: Signal;
  readonly bytes: Uint8Array;
}

const text = (written: string) => lengthField(one, Buffer.from(written));
const number = Uint8Array.of(0x18, 1);
const entry = (key: string, value: Uint8Array) =>
  Buffer.concat([text(key), lengthField(two, value)]);
const attribute = (key: string, value: Uint8Array) =>
  lengthField(tags.attribute, entry(key, value));
const event = lengthField(tags.event, lengthField(0x1a, entry("session.id", text("a"))));
const ids = Buffer.concat([
  lengthField(one, Buffer.alloc(16, 7)),
  lengthField(two, Buffer.alloc(8, 8)),
]);
const requestOf = (record: Uint8Array) =>
  lengthField(one, lengthField(two, lengthField(two, record)));

const filled = (size: number, part: Uint8Array) =>
  Buffer.alloc(Math.floor(size / part.length) * part.length, part);
const items = (size: number, value: Uint8Array) =>
  lengthField(array, filled(size, lengthField(one, value)));
const span = (content: Uint8Array): LongRequest => ({
  signal: "traces",
  bytes: requestOf(Buffer.concat([ids, content])),
});
const log = (content: Uint8Array): LongRequest => ({ signal: "logs", bytes: requestOf(content) });
const session = (value: Uint8Array) => span(attribute("session.id", value));
const id = attribute("session.id", text("a"));
const logId = lengthField(map, entry("session.id", text("a")));
const mail = attribute("note", text("a@b.cc"));
const plain = attribute("note", text("a"));
const inMap = lengthField(one, entry("k", number));
const mails = Buffer.from("a@b.cc ");

/** Builds a request of about `size` bytes, by what it has very many of. */
export const longRequests: Readonly<Record<string, (size: number) => LongRequest>> = {
  "attributes with ids": (size) => span(filled(size, id)),
  "attributes with mail addresses": (size) => span(filled(size, mail)),
  "attributes that stay": (size) => span(filled(size, plain)),
  "events with ids": (size) => span(filled(size, event)),
  "attributes of a log record": (size) => log(filled(size, logId)),
  "texts under an id": (size) => session(items(size, text("a"))),
  "numbers under an id": (size) => session(items(size, number)),
  "empty values under an id": (size) => session(items(size, Buffer.alloc(0))),
  "entries under an id": (size) => session(lengthField(map, filled(size, inMap))),
  "mail addresses in a body": (size) => log(lengthField(array, items(size, text("a@b.cc")))),
  "mail addresses in one text": (size) =>
    span(attribute("note", lengthField(one, filled(size, mails)))),
};

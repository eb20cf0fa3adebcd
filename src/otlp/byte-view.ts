let viewed: Uint8Array = new Uint8Array(0);
let view = new DataView(viewed.buffer);

/**
 * A view of the bytes, for reading several at a time. Making one costs as much as scanning a third of
 * a span, and a request is looked into many times in a row: so the last view is kept, and with it the
 * request, until another one is looked into.
 */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    viewed = bytes;
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return view;
}

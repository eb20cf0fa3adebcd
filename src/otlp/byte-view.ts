const noBytes = new Uint8Array(0);
let viewed: Uint8Array = noBytes;
let view: DataView = new DataView(noBytes.buffer);

/**
 * A view of the bytes, for reading several at a time. Creating one costs as much as scanning a third of
 * a span, and a request is read many times in a row. So the last view is kept, and with it the
 * request, until another one is read or `forgetView` is called.
 */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    viewed = bytes;
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return view;
}

/** Releases the bytes of the last view. Call it after reading a request, or its bytes stay in memory until the next one. */
export function forgetView(): void {
  viewOf(noBytes);
}

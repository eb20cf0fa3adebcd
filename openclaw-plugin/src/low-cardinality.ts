/**
 * The value when it looks like a name, else nothing. Session keys (`agent:…`), UUIDs and long runs of hex digits are
 * ids, whatever field they came in.
 */
export function lowCardinality(value: string | undefined): string | undefined {
  return value !== undefined && name.test(value) && !id.test(value) ? value : undefined;
}

// A model's name may hold slashes (`vendor/model`), which OpenClaw's own metrics take for ids; as an attribute it is fine.
const name = /^[A-Za-z0-9_.:/@-]{1,120}$/;
const id = /(^|:)agent:|[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{24}/i;

import { expect, test } from "vitest";
import { errorCodeOf } from "../../src/component/error-code.ts";

const full = Object.assign(new Error("full"), { code: "ENOSPC" });

for (const [title, error, want] of [
  ["an error of the system has its code", full, "ENOSPC"],
  ["an error has the code of its cause", new Error("failed", { cause: full }), "ENOSPC"],
  ["an error without a code has its name", new TypeError("bug"), "TypeError"],
  ["what is no error has its type", "text", "string"],
] as const) {
  test(title, () => {
    expect(errorCodeOf(error)).toBe(want);
  });
}

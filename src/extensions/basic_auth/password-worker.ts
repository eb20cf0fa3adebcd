import { parentPort } from "node:worker_threads";
import { compareSync } from "bcryptjs";
import { apr1 } from "./apr1.ts";
import { isSamePassword } from "./same-password.ts";

/** A thread that does nothing but check passwords, because one check of bcrypt would hold up everything else. */
parentPort?.on("message", ({ id, kind, password, text }: Check) => {
  parentPort?.postMessage({ id, isRight: isRight(kind, password, text) });
});

/** What the thread is asked; it answers with the same `id`. */
interface Check {
  readonly id: number;
  readonly kind: "bcrypt" | "apr1";
  readonly password: string;
  readonly text: string;
}

function isRight(kind: Check["kind"], password: string, text: string): boolean {
  try {
    return kind === "bcrypt"
      ? compareSync(password, text.replace(/^\$2[xy]\$/, "$2b$"))
      : isSamePassword(apr1(password, text), text);
  } catch {
    return false;
  }
}

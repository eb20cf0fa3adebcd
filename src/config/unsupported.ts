import { z } from "zod";

/**
 * A key that the Collector has and this program does not. To write it is a mistake, which is answered with `message`. It completes a
 * sentence that begins with the path, and says what to write instead.
 */
export function unsupported(message: string) {
  return z.never({ error: message }).optional().describe(message);
}

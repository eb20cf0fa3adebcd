import { opaque } from "../config/units.ts";

/** 128 bits as hex digits. A key that can be guessed gives away every value that can be guessed. */
const minKeyLength = 32;
const command = "openssl rand -hex 32";

/** What to do without a key. */
export const keyAdvice = `Make one with "${command}" and refer to it as \${env:NAME} or \${file:PATH}.`;

/** A key of `sessionRef` in the config: a secret text of at least 32 characters, used as it is written. */
export function hashKey() {
  return opaque().check((context) => {
    const problem = hashKeyProblem(context.value.reveal());
    if (problem !== undefined) {
      context.issues.push({ code: "custom", input: undefined, message: problem });
    }
  });
}

/** What is wrong with a key; quotes nothing of it. */
function hashKeyProblem(key: string): string | undefined {
  if (key.length < minKeyLength) {
    return `must be a key of at least ${minKeyLength} characters, but has ${key.length}. ${keyAdvice}`;
  }
  // Such a key could not be given to openssl, and the blank is nearly always a mistake.
  if (!/^[\x21-\x7e]+$/.test(key)) {
    return `must be a key of letters, digits and signs without blanks. ${keyAdvice}`;
  }
  return new Set(key).size < 8
    ? `is no random key: it has only ${new Set(key).size} different characters. ${keyAdvice}`
    : undefined;
}

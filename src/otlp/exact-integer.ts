/** Texts of more characters, beside zeros at the front, are no integers that anything of OTLP could hold. */
const maxCharacters = 64;
/** Reading an integer takes a time that is quadratic in its digits, so that there must be few. Those of 64 bits have at most 20. */
const maxDigits = 41;

const zero = 0x30;

const integer = /^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/** The value of a JSON number that is an integer below 10^41, in any spelling: `1.5e3`, `1.0` and `10e-1` are some. */
export function exactInteger(source: string): bigint | undefined {
  const isNegative = source.startsWith("-");
  let at = isNegative ? 1 : 0;
  // The last zero may be the only digit.
  while (source.charCodeAt(at) === zero && isDigit(source.charCodeAt(at + 1))) {
    at += 1;
  }
  if (source.length - at > maxCharacters) {
    return undefined;
  }
  const [, whole, fraction = "", exponentText = "0"] = integer.exec(source.slice(at)) ?? [];
  const exponent = Number(exponentText) - fraction.length;
  if (whole === undefined) {
    return undefined;
  }
  const digits = whole + fraction;
  const digitsBeforePoint = Math.max(digits.length + Math.min(exponent, 0), 0);
  const zeros = Math.max(exponent, 0);
  if (digitsBeforePoint + zeros > maxDigits || /[1-9]/.test(digits.slice(digitsBeforePoint))) {
    return undefined;
  }
  const magnitude = BigInt(digits.slice(0, digitsBeforePoint)) * 10n ** BigInt(zeros);
  return isNegative ? -magnitude : magnitude;
}

function isDigit(code: number): boolean {
  return code >= zero && code < zero + 10;
}

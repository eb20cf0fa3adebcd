const setOf = (words: string) => new Set(words.trim().split(/\s+/));

/** Words of programming languages and of log lines that stand behind the name of a secret and are none. */
const ordinary = setOf(`
  string str text number boolean bool bytes buffer object unknown any never void null undefined nil none true false optional required default
  await async new this self super function return typeof const let var import export if else not is are was were has have had must may should
  unexpected expected malformed bad can cannot could will would the a an of for from in on to and or with without missing invalid expired empty absent unset set present found
  enabled disabled identifier wrong denied failed failure refused rejected revoked ok valid error unauthorized forbidden unsupported see yes no redacted hidden masked
  length count type name header file path env`);
/** `$TOKEN`, `${env:TOKEN}`, `{{ token }}`, `<token>`, `[REDACTED]`, `****`, `%s`; and numbers of at most three digits. */
const placeholder =
  /^(?:\$[A-Z_][A-Z0-9_]*|\$[a-z_]*(?:token|password|secret|key|pass|pwd|cookie|auth)|\$?\{\{?[\w .:-]*\}?\}?|\$\([^()]*\)?|\$\{\w+:?\?.*|<[\w .:-]*>?|\[[A-Za-z_ -]*\]?|[*x.…-]+|%[sdvq]|[0-9]{1,3})[.,;:)\]}]*$/;
/** `your-key-here`, `YOUR_API_KEY` */
const yours =
  /^your(?:[-_ ][a-z]+){0,5}[-_ ](?:here|key|token|secret|password|credentials?)[.,;:)\]}]*$/i;
/** `Bearer {token}` */
const schemeBefore = /^(?:Bearer|Basic|Token|Bot) (?=[${<*[%])/;
/** What code takes a secret from: `process.env.TOKEN`, `this.#token`. */
const member =
  /^!*(?:this|self|process\??\.env|import\.meta|os\.environ|config|settings|options|opts|request|req|context|ctx|props|params|args|module|exports)(?:\??\.#?|\[)[A-Za-z_.?#[\]]*(?:\(.*)?[.,;:)\]}?!]*$/;
/** The same by a call, a type or a pattern: `hostKeyOf(name)`, `text.slice(`, `Partial<Key`, `/^x/`. */
const call =
  /^(?:[A-Za-z_$][\w$.]*\((?:\)[.,;:)\]}?!]*)?$|[a-z]+(?:[A-Z][a-z]+)+\(|[a-zA-Z]+(?:\??\.[a-zA-Z]+)+\(|[A-Z][a-z]+[A-Za-z]*<|\(?ConvertTo-SecureString$|\/\^)/;
/** A longer value is a secret. */
export const longestOrdinary = 96;

/** Whether what stands without quotes behind the name of a secret is a word, a placeholder or an expression of code, and no secret. */
export function isOrdinaryValue(value: string): boolean {
  const word = value.replace(/[^A-Za-z]+$/, "");
  const isWord =
    ordinary.has(word.toLowerCase()) && /^[.,;:)\]}?!|>]*$/.test(value.slice(word.length));
  return isWord || isPlaceholder(value) || member.test(value) || call.test(value);
}

/** Whether a value stands for one that is put there later. */
export function isPlaceholder(value: string): boolean {
  return placeholder.test(value.replace(schemeBefore, "")) || yours.test(value);
}

/** Whether it is a template of code: `Basic ${encoded}`. */
export function hasPlaceholder(value: string): boolean {
  return value.includes("${");
}

/** What names end with that stand for a secret, without separators: `OPENAI_API_KEY`, `client-secret`, `http.request.header.authorization`. */
const endings = [
  "password",
  "passwd",
  "passphrase",
  "passcode",
  "secret",
  "apikey",
  "secretkey",
  "privatekey",
  "accesskey",
  "accesskeyid",
  "signingkey",
  "encryptionkey",
  "accesstoken",
  "refreshtoken",
  "authtoken",
  "bottoken",
  "apitoken",
  "bearertoken",
  "sessiontoken",
  "securitytoken",
  "authorization",
  "cookie",
  "credential",
  "credentials",
  "connectionstring",
];
/** The same as whole names only: `max_token` is a count. */
const wholes = ["token", "idtoken", "pwd", "sig", "signature", "auth", "jwt", "bearer"];

/** Whether a name is that of a secret, in any spelling. */
export function isSecretName(name: string): boolean {
  const written = name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  return endings.some((ending) => written.endsWith(ending)) || wholes.includes(written);
}

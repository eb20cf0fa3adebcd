/** The version of this package, as in `package.json` and `openclaw.plugin.json`; a test holds them together. */
export const version = "0.1.0";

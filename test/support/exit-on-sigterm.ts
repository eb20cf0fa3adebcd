/**
 * The test runner ends a worker by SIGTERM whose test ran out of time. So the worker exits, and with it end the collectors that it
 * started; see process.ts.
 */
process.once("SIGTERM", () => process.exit(143));

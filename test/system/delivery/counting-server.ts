// A backend for loads that a sink of the test's own process would slow down: it reads requests, answers with success and counts bytes.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

let requests = 0;
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    requests += 1;
    response.end();
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(`port ${(server.address() as AddressInfo).port}`);
});
process.on("SIGTERM", () => {
  console.log(`requests ${requests}`);
  process.exit(0);
});

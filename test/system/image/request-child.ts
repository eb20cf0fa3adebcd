// A process that makes one request, a POST of JSON if there is any, and prints the answer as JSON.
const [, , url = "", json] = process.argv;
const response = await fetch(
  url,
  json === undefined
    ? {}
    : { method: "POST", body: json, headers: { "Content-Type": "application/json" } },
);
console.log(JSON.stringify({ status: response.status, body: await response.text() }));

import { expect, test } from "vitest";
import { ReloadRequests } from "../../src/cli/reload-requests.ts";
import { deferred } from "../support/deferred.ts";

function counted() {
  const requests = new ReloadRequests();
  const running: ReturnType<typeof deferred<void>>[] = [];
  const reload = () => {
    const one = deferred<void>();
    running.push(one);
    return one.promise;
  };
  const finish = async (at: number) => {
    running[at]!.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { requests, running, reload, finish };
}

test("requests during the start are one reload after it", async () => {
  const { requests, running, reload, finish } = counted();
  requests.request();
  requests.request();
  requests.serve(reload);
  expect(running).toHaveLength(1);
  await finish(0);
  expect(running).toHaveLength(1);
});

test("requests during a reload are one more after it", async () => {
  const { requests, running, reload, finish } = counted();
  requests.serve(reload);
  requests.request();
  requests.request();
  requests.request();
  expect(running).toHaveLength(1);
  await finish(0);
  expect(running).toHaveLength(2);
  await finish(1);
  expect(running).toHaveLength(2);
});

test("after the end there are no reloads", async () => {
  const { requests, running, reload, finish } = counted();
  requests.serve(reload);
  requests.request();
  requests.request();
  requests.end();
  await finish(0);
  requests.request();
  expect(running).toHaveLength(1);
});

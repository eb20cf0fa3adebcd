import type { IncomingMessage, ServerResponse } from "node:http";
import type { Component } from "../../component/component.ts";
import type { Settings } from "../../component/settings.ts";
import type { HttpServer } from "../../net/server.ts";
import { servePages } from "../../serving/page-server.ts";
import type { Config } from "./config.ts";
import { pagesOf } from "./pages.ts";

/** Answers probes with the status of the service. */
export function createHealthCheck(settings: Settings, config: Config): Component {
  const { logger } = settings;
  const pages = pagesOf(config);
  const paths = [...new Set(pages.map(({ path }) => path))];
  let server: HttpServer | undefined;

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const [path = "", query = ""] = (request.url ?? "").split("?", 2);
    const page = pages.find((each) => each.path === path);
    if (page === undefined) {
      const choice = paths.length === 1 ? "the path" : "one of";
      answerText(response, 404, `Not found. Use ${choice} ${paths.join(", ")}\n`);
      return;
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      answerText(response, 405, "Method not allowed. Use GET.\n");
      return;
    }
    const service = settings.serviceStatus();
    const answered = page.answer(service, new URLSearchParams(query));
    if (answered === "unknown_pipeline") {
      const ids = service.pipelines.map(({ id }) => id).join(", ");
      answerText(response, 404, `There is no such pipeline. The pipelines are ${ids}\n`);
      return;
    }
    const body = `${JSON.stringify(answered.health)}\n`;
    response.writeHead(answered.statusCode, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(body),
      "Cache-Control": "no-store",
    });
    response.end(request.method === "HEAD" ? undefined : body);
  };

  return {
    async start() {
      server = await servePages(settings, config, {
        handler: answer,
        onError: (error) =>
          logger.warn("The HTTP server of health checks reported an error.", {
            "exception.type": error instanceof Error ? error.name : typeof error,
          }),
      });
      logger.info("Serving health checks.", {
        endpoint: server.endpoint,
        path: config.path,
      });
      for (const [index, { name, path }] of pages.entries()) {
        const first = pages.findIndex((each) => each.path === path);
        if (first < index) {
          logger.warn(
            "Two pages of the health check have the same path, so the second is not served. Change one of the paths.",
            { path, served: pages[first]?.name, not_served: name },
          );
        }
      }
    },

    async shutdown(deadline) {
      await server?.close(deadline);
    },
  };
}

function answerText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
  response.end(text);
}

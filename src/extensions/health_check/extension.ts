import type { IncomingMessage, ServerResponse } from "node:http";
import type { Component } from "../../component/component.ts";
import type { Settings } from "../../component/settings.ts";
import { type HttpServer, hostPortOf, listen } from "../../net/server.ts";
import type { Config } from "./config.ts";
import { healthOf } from "./health.ts";

/** Answers probes with the status of the service. */
export function createHealthCheck(settings: Settings, config: Config): Component {
  const { logger } = settings;
  let server: HttpServer | undefined;

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const [path] = (request.url ?? "").split("?", 1);
    if (path !== config.path) {
      response.writeHead(404, { "Content-Type": "text/plain; charset=utf-8" });
      response.end(`Not found. Use the path ${config.path}\n`);
      return;
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { Allow: "GET, HEAD", "Content-Type": "text/plain; charset=utf-8" });
      response.end("Method not allowed. Use GET.\n");
      return;
    }
    const { statusCode, health } = healthOf(settings.serviceStatus(), config.component_health);
    const body = `${JSON.stringify(health)}\n`;
    response.writeHead(statusCode, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(body),
      "Cache-Control": "no-store",
    });
    response.end(request.method === "HEAD" ? undefined : body);
  };

  return {
    async start() {
      server = await listen({
        ...config.endpoint,
        handler: answer,
        onError: (error) =>
          logger.warn("The HTTP server of health checks reported an error.", {
            "exception.type": error instanceof Error ? error.name : typeof error,
          }),
      });
      logger.info("Serving health checks.", {
        endpoint: hostPortOf(server),
        path: config.path,
      });
    },

    async shutdown(deadline) {
      await server?.close(deadline);
    },
  };
}

import type { Component } from "../../component/component.ts";
import type { Consumer } from "../../component/consumer.ts";
import type { Settings } from "../../component/settings.ts";
import { bodyLimitsFor } from "../../memory/memory-budget.ts";
import { ByteBudget } from "../../net/body.ts";
import { type HttpServer, hostPortOf } from "../../net/server.ts";
import type { Signal } from "../../otlp/payload.ts";
import type { Config, HttpConfig } from "./config.ts";
import { ContentReport } from "./content-report.ts";
import { openHttp } from "./http-transport.ts";
import { createRequestHandler } from "./request-handler.ts";

/**
 * Receives OTLP over HTTP and answers as OTLP requires. The sender gets the result of the pipelines;
 * nothing is queued here.
 */
export function createOtlpReceiver(settings: Settings, config: Config): Component {
  const consumers = new Map<Signal, Consumer>();
  const { http } = config.protocols;
  const report = new ContentReport(settings, http);
  let server: HttpServer | undefined;

  return {
    receiver: {
      connect(signal, next) {
        consumers.set(signal, next);
      },
      transports: ["http"],
    },
    async start() {
      report.start();
      if (http !== undefined) {
        const wanted = http.max_request_body_size;
        const { maxBodyBytes, budgetBytes } = bodyLimitsFor(settings.memory.limit.bytes, wanted);
        warnIfLess(settings, http, maxBodyBytes);
        const handler = createRequestHandler(new ByteBudget(budgetBytes), report);
        server = await openHttp(settings, { config: http, consumers, handler, maxBodyBytes });
        settings.logger.info("Receiving OTLP over HTTP.", { endpoint: hostPortOf(server) });
      }
    },
    async shutdown(deadline) {
      await server?.close(deadline);
      report.stop();
    },
  };
}

function warnIfLess(
  { logger }: Settings,
  { max_request_body_size }: HttpConfig,
  fitting: number,
): void {
  if (fitting < max_request_body_size) {
    logger.warn(
      "max_request_body_size does not fit into the memory limit of the process. Larger bodies than fit get status 413. Lower max_request_body_size, or raise the memory limit.",
      { max_request_body_size, fitting },
    );
  }
}

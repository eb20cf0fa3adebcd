import type { Component } from "../../component/component.ts";
import type { Consumer } from "../../component/consumer.ts";
import type { Settings } from "../../component/settings.ts";
import { bodyLimitsFor, maxJsonBytesFor } from "../../memory/memory-budget.ts";
import { FairShares } from "../../net/fair-shares.ts";
import type { Signal } from "../../otlp/payload.ts";
import type { Config } from "./config.ts";
import { ContentReport } from "./content-report.ts";
import { FirstSignals } from "./first-signals.ts";
import { wantedMessageBytes } from "./grpc-config.ts";
import { openGrpc } from "./grpc-transport.ts";
import { openHttp } from "./http-transport.ts";
import { createRequestHandler } from "./request-handler.ts";

/** Requests at a time, over both transports; further ones are refused as busy. */
const maxRequests = 1_000;

/** What both transports open. */
interface Port {
  close(deadline: AbortSignal): Promise<void>;
}

/**
 * Receives OTLP over HTTP and gRPC and answers as OTLP requires. The sender gets the result of the pipelines;
 * nothing is queued here. All ports share what requests may take up.
 */
export function createOtlpReceiver(settings: Settings, config: Config): Component {
  const { logger } = settings;
  const consumers = new Map<Signal, Consumer>();
  const { http, grpc } = config.protocols;
  const report = new ContentReport(settings, http);
  const firstSignals = new FirstSignals(logger);
  const ports: Port[] = [];

  const open = async () => {
    const wanted = {
      http: http?.max_request_body_size ?? 0,
      grpc: grpc === undefined ? 0 : wantedMessageBytes(grpc),
    };
    const limit = settings.memory.limit.bytes;
    const { budgetBytes } = bodyLimitsFor(limit, Math.max(wanted.http, wanted.grpc));
    const handler = createRequestHandler({
      maxJsonBytes: maxJsonBytesFor(settings.memory),
      shares: new FairShares({ maxRequests, limitBytes: budgetBytes }, settings.clock),
      report,
      firstSignals,
    });
    if (http !== undefined) {
      const { maxBodyBytes } = bodyLimitsFor(limit, wanted.http);
      if (maxBodyBytes < wanted.http) {
        logger.warn(
          "max_request_body_size does not fit into the memory limit of the process. Larger bodies than fit get status 413. Lower max_request_body_size, or raise the memory limit.",
          { max_request_body_size: wanted.http, fitting: maxBodyBytes },
        );
      }
      const server = await openHttp(settings, { config: http, consumers, handler, maxBodyBytes });
      ports.push(server);
      logger.info("Receiving OTLP over HTTP.", { endpoint: server.endpoint });
    }
    if (grpc !== undefined) {
      const { maxBodyBytes } = bodyLimitsFor(limit, wanted.grpc);
      if (maxBodyBytes < wanted.grpc) {
        logger.warn(
          "max_recv_msg_size_mib does not fit into the memory limit of the process. Larger messages than fit get RESOURCE_EXHAUSTED. Lower max_recv_msg_size_mib, or raise the memory limit.",
          { max_recv_msg_size: wanted.grpc, fitting: maxBodyBytes },
        );
      }
      const server = await openGrpc(settings, { config: grpc, consumers, handler, maxBodyBytes });
      ports.push(server);
      logger.info("Receiving OTLP over gRPC.", { endpoint: server.endpoint });
    }
  };

  const close = async (deadline: AbortSignal) => {
    await Promise.all(ports.map((port) => port.close(deadline)));
    report.stop();
  };

  return {
    receiver: {
      connect(signal, next) {
        consumers.set(signal, next);
      },
      transports: [
        ...(http === undefined ? [] : (["http"] as const)),
        ...(grpc === undefined ? [] : (["grpc"] as const)),
      ],
    },
    async start() {
      report.start();
      try {
        await open();
      } catch (error) {
        // A component that has not started is not shut down.
        await close(AbortSignal.abort());
        throw error;
      }
    },
    shutdown: close,
  };
}

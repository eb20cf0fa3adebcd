import { GatewayClient } from "openclaw/plugin-sdk/gateway-runtime";
import { definePluginEntry } from "openclaw/plugin-sdk/plugin-entry";

/**
 * Stands for a person at a chat: sends `CHAT_MESSAGE` to the session `CHAT_SESSION_KEY`, and takes `APPROVE_AFTER_MS`
 * to say yes to whatever needs an approval. A command that says "ask-first" needs one before its tool starts.
 */
export default definePluginEntry({
  id: "slow-approver",
  name: "Slow approver",
  description: "Grants every approval after a while, as a person would. For tests only.",
  register(api) {
    api.on("before_tool_call", (event) =>
      String(event.params?.command).includes("ask-first")
        ? { requireApproval: { title: "May it?", description: "A test.", timeoutMs: 300_000 } }
        : undefined,
    );
    let client;
    api.registerService({
      id: "slow-approver",
      start({ config }) {
        client = new GatewayClient({
          url: `ws://127.0.0.1:${config.gateway.port}`,
          token: config.gateway.auth.token,
          clientName: "gateway-client",
          clientDisplayName: "Slow approver",
          mode: "backend",
          caps: ["approvals"],
          // A run that a client begins may ask for no approvals that the client may not see.
          scopes: ["operator.admin", "operator.read", "operator.write", "operator.approvals"],
          deviceIdentity: null,
          onHelloOk: () => {
            const { CHAT_SESSION_KEY: sessionKey, CHAT_MESSAGE: message } = process.env;
            client
              .request("chat.send", { sessionKey, message, idempotencyKey: "chat-1" })
              .catch(() => {});
          },
          onEvent: ({ event, payload }) => {
            if (event.endsWith(".approval.requested")) {
              const method = event.replace("requested", "resolve");
              setTimeout(() => {
                const answer = { id: payload.id, decision: "allow-once" };
                client.request(method, answer).catch(() => {});
              }, Number(process.env.APPROVE_AFTER_MS));
            }
          },
        });
        client.start();
      },
      stop() {
        client?.stop();
      },
    });
  },
});

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config's own dollar-brace notation is the subject here.
import type { CanaryMint } from "./canary-mint.ts";

/** Configs that are wrong in the place of a secret, or where a secret was put by mistake; each is an overlay of a good one. */
export function badConfigs(mint: CanaryMint): readonly string[] {
  const secret = (origin: string) => mint.secret(`bad config, ${origin}`);
  return [
    // Not YAML.
    `extensions:\n  bearer_token_auth:\n    token: "${secret("a quote that is not closed")}\n`,
    `extensions: {bearer_token_auth: {token: ${secret("a brace that is not closed")}`,
    `extensions:\n  bearer_token_auth:\n\ttoken: ${secret("a tab")}\n`,
    `${secret("no map")}`,
    `extensions:\n  bearer_token_auth:\n    token: *${secret("an alias")}\n`,
    `extensions:\n  bearer_token_auth:\n    token: !${secret("a tag")} x\n`,
    `extensions:\n  bearer_token_auth:\n    token: |${secret("the head of a block")}\n      x\n`,
    `extensions:\n  bearer_token_auth:\n    token: "\\q${secret("an escape")}"\n`,
    `extensions:\n  bearer_token_auth: {token: a}\n  ${secret("no key")}\n`,
    `extensions:\n  bearer_token_auth:\n    token: 'a' ${secret("behind a quote")}\n`,
    `%${secret("a directive")}\n---\nextensions: {}\n`,
    `extensions: {bearer_token_auth: {token: @${secret("a reserved sign")}}}\n]${secret("behind a bracket")}`,
    `extensions:\n  bearer_token_auth:\n    token: a: ${secret("a map in a line")}: b\n`,
    // Wrong types and values.
    `extensions: {bearer_token_auth: {token: [${secret("a list")}], tokens: ${secret("no list")}}}`,
    `extensions: {bearer_token_auth: {tokens: ["${secret("a line break")}\\n", ""]}}`,
    `extensions: {basic_auth: {htpasswd: {inline: "${secret("no colon")}"}}}`,
    `extensions: {basic_auth: {client_auth: {username: "${secret("user")}:x", password: "${secret("password")}"}}}`,
    `exporters: {otlp_http/received: {headers: {authorization: {a: ${secret("a map")}}}}}`,
    `exporters: {otlp_http/received: {headers: {x-key: "${secret("a header with a line break")}\\n"}}}`,
    `exporters: {otlp_http/received: {headers: "${secret("headers as a text")}"}}`,
    `exporters: {otlp_http/received: {headers: ["authorization: ${secret("headers as a list")}"]}}`,
    `exporters: {otlp_http/received: {endpoint: "http://user:${secret("password in a URL")}@127.0.0.1:1"}}`,
    `exporters: {otlp_http/received: {endpoint: "${secret("no URL")}"}}`,
    `exporters: {otlp_http/received: {endpoint: "http://127.0.0.1:1/?key=${secret("query")}"}}`,
    `exporters: {otlp_http/received: {endpoint: "http://127.0.0.1:1/${secret("path")}/v1/traces"}}`,
    `exporters: {otlp_http/received: {proxy_url: "ftp://user:${secret("password of a proxy")}@127.0.0.1"}}`,
    `exporters: {otlp_http/received: {proxy_url: "user:${secret("no URL of a proxy")}@127.0.0.1:1"}}`,
    `exporters: {otlp_grpc/received: {endpoint: "https://user:${secret("password in an endpoint")}@127.0.0.1:1"}}`,
    `exporters: {otlp_grpc/received: {endpoint: "${secret("no endpoint")}/x"}}`,
    `exporters: {otlp_grpc/received: {headers: {x-key: "${secret("metadata with a line break")}\\n"}}}`,
    `exporters: {otlp_http/received: {tls: {key_pem: "${secret("a private key")}", cert_pem: "${secret("a certificate")}"}, endpoint: "https://127.0.0.1:1"}}`,
    `receivers: {otlp/token: {protocols: {http: {tls: {key_file: "", key_pem: "-----BEGIN PRIVATE KEY-----\\n${secret("a private key of a server")}"}}}}}`,
    `receivers: {otlp: {protocols: {http: {response_headers: {x-key: "${secret("a response header")}\\n"}}}}}`,
    `service: {telemetry: {metrics: {readers: [{periodic: {exporter: {otlp: {protocol: grpc, endpoint: "http://u:${secret("password of a reader")}@h:1/?${secret("query of a reader")}", headers: {a: [${secret("header of a reader")}]}}}}}]}}}`,
    // What was expanded into a wrong place.
    "exporters: {otlp_http/received: {timeout: '${env:LEAK_SECRET_0}', compression: '${env:LEAK_SECRET_0}'}}",
    "exporters: {debug/basic: {verbosity: '${env:LEAK_SECRET_0}', sampling_initial: '${env:LEAK_SECRET_0}'}}",
    "receivers: {otlp: {protocols: {http: {endpoint: '${env:LEAK_SECRET_0}'}, grpc: {max_recv_msg_size_mib: '${env:LEAK_SECRET_0}'}}}}",
    "extensions: {file_storage: {directory_permissions: '${env:LEAK_SECRET_0}', timeout: '${env:LEAK_SECRET_0}'}}",
    "receivers: {otlp_json_file: {start_at: '${env:LEAK_SECRET_0}', max_log_size: '${env:LEAK_SECRET_0}'}}",
    "service: {telemetry: {logs: {level: '${env:LEAK_SECRET_0}'}}, shutdown_timeout: '${env:LEAK_SECRET_0}'}",
    // Good ones, which take effect.
    `exporters: {otlp_http/received: {headers: {x-new: "${secret("a new header")}"}}}`,
    `extensions: {bearer_token_auth: {tokens: ["${secret("a new token")}"]}}`,
  ];
}

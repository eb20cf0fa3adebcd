import { type PeerExporter, peers } from "../../test/system/clients/peers.ts";
import { table } from "./markdown.ts";

/** Which setting each SDK needs, from the table that its tests run through. */
export function peersTable(): string {
  return table(
    ["Language", "Protocol", "Port", "Chosen by", "To set"],
    peers.flatMap(({ language, packages, exporters }) =>
      exporters.map((exporter, row) => [
        row === 0 ? `${language}: ${packages}` : "",
        `\`${exporter.protocol}\`${exporter.isDefault ? ", the default" : ""}`,
        exporter.protocol === "grpc" ? "4317" : "4318",
        exporter.chosenBy,
        settingsOf(exporter),
      ]),
    ),
  );
}

function settingsOf({ needs }: PeerExporter): string {
  const settings = Object.entries(needs).map(([name, value]) => `\`${name}=${value}\``);
  return settings.length === 0 ? "nothing" : settings.join(", ");
}

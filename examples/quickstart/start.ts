import { prometheus } from "@meterbridge/exporter-prometheus";
import { start } from "@meterbridge/node";

const exporter = prometheus({ server: false });
const sdk = start({ serviceName: "quickstart", exporters: [exporter] });

await import("./app.ts");

console.log(await exporter.render());
await sdk.shutdown();

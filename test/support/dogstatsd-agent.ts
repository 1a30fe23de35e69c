import { createSocket } from "node:dgram";
import type { Attributes } from "@opentelemetry/api";
import { type ExporterBackend, receivedSeries, type ReceivedPoint } from "@meterbridge/testkit";

export interface DogstatsdAgent extends ExporterBackend {
  readonly port: number;
}

/** An Agent that takes DogStatsD by UDP and adds up what it is told. */
export async function dogstatsdAgent(): Promise<DogstatsdAgent> {
  const series = receivedSeries();
  let contacts = 0;
  const socket = createSocket("udp4", (packet) => {
    contacts++;
    series.take(packet.toString().split("\n").flatMap(pointOf));
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const number = (name: string, attributes: Attributes): number | undefined => {
    const reading = series.read(name, asTags(attributes));
    return typeof reading === "object" ? reading.sum : reading;
  };
  return {
    port: socket.address().port,
    read({ kind, name }, attributes) {
      if (kind !== "histogram" && kind !== "exponentialHistogram") return Promise.resolve(number(name, attributes));
      const count = number(`${name}.count`, attributes);
      const sum = number(`${name}.sum`, attributes);
      return Promise.resolve(count === undefined || sum === undefined ? undefined : { count, sum });
    },
    contacts: () => contacts,
    stop: () => new Promise((resolve) => socket.close(resolve)),
  };
}

/** `name:value|c|#tag:value,tag:value`, with `g` for gauges and whatever else follows. */
function pointOf(line: string): ReceivedPoint[] {
  if (line === "") return [];
  const [told = "", type, ...rest] = line.split("|");
  const end = told.lastIndexOf(":");
  const value = Number(told.slice(end + 1));
  if (end < 1 || !Number.isFinite(value) || (type !== "c" && type !== "g")) throw new Error(`no DogStatsD: ${line}`);
  const tags = rest.find((part) => part.startsWith("#"))?.slice(1) ?? "";
  const pairs =
    tags === "" ? [] : tags.split(",").map((tag) => [tag.slice(0, tag.indexOf(":")), tag.slice(tag.indexOf(":") + 1)]);
  return [{ name: told.slice(0, end), attributes: Object.fromEntries(pairs), value, isDelta: type === "c" }];
}

/** The format has no quotes: what separates its parts cannot stand in a tag. */
function asTags(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [key, String(value).replaceAll(/[|,:#\n]/g, "_")]),
  );
}

import { defineMeters } from "@meterbridge/core";
import { afterEach, expect, test, vi } from "vitest";
import { prometheus } from "@meterbridge/exporter-prometheus";
import { start, type Sdk } from "../src/index.ts";

let sdk: Sdk | undefined;
afterEach(async () => {
  await sdk?.shutdown();
  vi.unstubAllEnvs();
});

const shop = defineMeters({
  parcels: counterOf("shop.parcels"),
  orders: counterOf("shop.orders"),
});

test("a meter whose own limit was raised keeps all of its series, and the others keep the common limit", async () => {
  vi.stubEnv("METERBRIDGE_SERIES_LIMIT", "20");
  vi.stubEnv("METERBRIDGE_SERIES_LIMITS", "shop.parcels=5000");
  const exporter = prometheus({ server: false });
  sdk = start({ exporters: [exporter], serviceName: "limits", logLevel: "none" });
  for (let index = 0; index < 3000; index++) {
    shop.parcels.add(1, { place: `place-${index}` });
    shop.orders.add(1, { place: `place-${index}` });
    if (index % 1000 === 0) await exporter.render();
  }
  const page = await exporter.render();
  expect(valuesOf(page, "shop_parcels_total")).toEqual(Array.from({ length: 3000 }, () => 1));
  const orders = valuesOf(page, "shop_orders_total");
  expect(orders.length).toBeLessThan(20);
  expect(orders.reduce((sum, value) => sum + value, 0)).toBe(3000);
});

test("a limit that is none ends the start with the variable's name and what is allowed", () => {
  vi.stubEnv("METERBRIDGE_SERIES_LIMITS", "shop.parcels=few");
  expect(() => start({ exporters: [] })).toThrow(
    'METERBRIDGE_SERIES_LIMITS must be a comma-separated list of meter=whole number from 2 to 1000000, found "shop.parcels=few"',
  );
});

function counterOf(name: string) {
  return {
    name,
    instrument: "counter",
    unit: "{piece}",
    description: "Pieces by place",
    attributes: { place: "string" },
  } as const;
}

function valuesOf(page: string, name: string): number[] {
  return page
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`))
    .map((line) => Number(line.split(" ").at(-1)));
}

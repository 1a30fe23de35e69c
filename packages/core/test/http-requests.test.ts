import { metrics } from "@opentelemetry/api";
import { expect, onTestFinished, test } from "vitest";
import { createCore } from "../src/core.ts";
import { registerProvider, startCore } from "./collecting.ts";

const active = "http.server.active_requests";
const duration = "http.server.request.duration";
const client = "http.client.request.duration";

test("requests are in progress between begin and end, then one duration each", async () => {
  const { core, collect } = startCore();
  const requests = core.http.requests({ method: "get", scheme: "https" });
  requests.begin();
  requests.begin();
  const { points } = await collect();
  expect(points(active)).toEqual([
    { attributes: { "http.request.method": "GET", "url.scheme": "https" }, value: 2, count: 1 },
  ]);
  requests.end(0.25, 200, "/users/:id");
  requests.end(0.5, 503);
  const collection = await collect();
  expect(collection.total(active)).toBe(0);
  expect(collection.points(duration)).toEqual([
    {
      attributes: {
        "http.request.method": "GET",
        "url.scheme": "https",
        "http.route": "/users/:id",
        "http.response.status_code": 200,
      },
      value: 0.25,
      count: 1,
    },
    {
      attributes: {
        "http.request.method": "GET",
        "url.scheme": "https",
        "http.response.status_code": 503,
        "error.type": "503",
      },
      value: 0.5,
      count: 1,
    },
  ]);
});

test("each method and scheme has one group, however often it is asked for and through whichever door requests come", async () => {
  const { core, collect } = startCore();
  expect(core.http.requests({ method: "GET" })).toBe(core.http.requests({ method: "get", scheme: "http" }));
  for (let index = 0; index < 1_000; index++) core.http.requests({ method: `X${index}` }).begin();
  core.http.requests({ method: "GET" }).begin();
  core.http.start({ method: "GET" });
  const collection = await collect();
  expect(collection.points(active)).toHaveLength(2);
  expect(collection.total(active, { "http.request.method": "_OTHER" })).toBe(1_000);
  expect(collection.total(active, { "http.request.method": "GET" })).toBe(2);
});

test("a request's second end changes nothing", async () => {
  const { core, collect } = startCore();
  const request = core.http.start({ method: "GET" });
  request.end({ status: 200 });
  request.end({ status: 500 });
  const collection = await collect();
  expect(collection.total(active)).toBe(0);
  expect(collection.count(duration)).toBe(1);
});

test("requests in progress when a provider comes, or is replaced, are in progress for the new one", async () => {
  const core = createCore();
  const requests = core.http.requests({ method: "GET" });
  requests.begin();
  const first = registerProvider();
  requests.begin();
  expect((await first.collect()).total(active)).toBe(2);
  const second = registerProvider();
  requests.end(1, 200);
  const collection = await second.collect();
  expect(collection.total(active)).toBe(1);
  expect(collection.count(duration)).toBe(1);
  requests.end(1, 200);
  expect((await second.collect()).total(active)).toBe(0);
});

test("requests of the lean path carry no attribution, whichever labels are configured and whoever is active when they end", async () => {
  const { core, collect } = startCore();
  const requests = core.http.requests({ method: "GET" });
  const one = (): void => {
    requests.begin();
    requests.end(1, 200);
  };
  core.withAttribution({ tenant: "acme", project: "shop" }, one);
  core.configure({ attributionLabels: ["tenant", "project"] });
  core.withAttribution({ tenant: "acme", project: "shop" }, one);
  core.configure({ attributionLabels: [] });
  core.withAttribution({ tenant: "acme", project: "shop" }, one);
  const points = (await collect()).points(duration);
  expect(points.map(({ count }) => count).reduce((sum, count) => sum + count, 0)).toBe(3);
  for (const { attributes } of points) expect(Object.keys(attributes).join()).not.toMatch(/tenant|project/);
});

test("a provider that throws costs neither the application nor the number in progress", async () => {
  const core = createCore();
  const broken = {
    getMeter: () => {
      throw new Error("broken");
    },
  };
  metrics.disable();
  metrics.setGlobalMeterProvider(broken);
  onTestFinished(() => metrics.disable());
  const requests = core.http.requests({ method: "GET" });
  expect(() => requests.begin()).not.toThrow();
  expect(() => requests.end(1, 200)).not.toThrow();
  requests.begin();
  const { collect } = registerProvider();
  core.http.requests({ method: "POST" }).begin();
  expect((await collect()).total(active, { "http.request.method": "GET" })).toBe(1);
});

test("a route of any length and number stays within the limit, and what is no number of seconds is refused", async () => {
  const { core, collect } = startCore({ seriesLimit: 100 });
  const requests = core.http.requests({ method: "GET" });
  for (let index = 0; index < 5_000; index++) {
    requests.begin();
    requests.end(1, 200, `/${index}/${"x".repeat(index)}`);
  }
  for (const wrong of [NaN, -1, Infinity, "1", undefined]) {
    requests.begin();
    requests.end(wrong as number, 200);
  }
  const collection = await collect();
  expect(collection.points(duration).length).toBeLessThanOrEqual(100);
  expect(collection.count(duration)).toBe(5_000);
  expect(collection.total(active)).toBe(0);
  expect(collection.total("meterbridge.values.refused", { meter: duration })).toBeGreaterThanOrEqual(5);
});

test("a client's request has its server's name and port, and from status 400 on an error type", async () => {
  const { core, collect } = startCore();
  const to = { method: "GET", address: "api.example", port: 443, duration: 1 };
  core.http.recordClient({ ...to, status: 200 });
  core.http.recordClient({ ...to, status: 404 });
  core.http.recordClient({ ...to, errorType: "ECONNREFUSED" });
  const points = (await collect()).points(client);
  const common = { "http.request.method": "GET", "server.address": "api.example", "server.port": 443 };
  expect(points.map(({ attributes }) => attributes)).toEqual([
    { ...common, "http.response.status_code": 200 },
    { ...common, "http.response.status_code": 404, "error.type": "404" },
    { ...common, "error.type": "ECONNREFUSED" },
  ]);
});

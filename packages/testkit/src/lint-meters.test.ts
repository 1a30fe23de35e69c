import { expect, test } from "vitest";
import { type LintedMeter, lintMeters } from "./lint-meters.ts";

const good: LintedMeter = {
  name: "orders.placed",
  instrument: "counter",
  unit: "{order}",
  description: "Orders that customers placed",
  attributes: { tenant: "string", "user.kind": "string" },
};

test("a meter that keeps the rules is not complained about", () => {
  expect(lintMeters([good])).toEqual([]);
  expect(
    lintMeters([
      { ...good, name: "bus.status", unit: "{status}" },
      { ...good, name: "http.server.request.duration", instrument: "histogram", unit: "s", buckets: [0.1, 1, 10] },
    ]),
  ).toEqual([]);
});

test.each<[string, Partial<LintedMeter>, string]>([
  [
    "name-form",
    { name: "ordersPlaced" },
    "must be lower case, with dots between parts and _ between words: orders_placed",
  ],
  ["name-form", { name: "orders placed" }, "with dots between parts and _ between words: orders_placed"],
  ["unit-in-name", { name: "orders.size_bytes" }, "leave out bytes"],
  ["total-in-name", { name: "orders_total" }, "exporters for Prometheus add _total"],
  ["unit-form", { unit: "seconds" }, "the unit seconds is s in UCUM"],
  ["unit-form", { unit: "bytes" }, "the unit bytes is By in UCUM"],
  ["unit-form", { unit: "{orders}" }, "must be in the singular: {order}"],
  ["unit-form", { unit: "{queries}" }, "must be in the singular: {query}"],
  ["unit-form", { unit: "{batches}" }, "must be in the singular: {batch}"],
  ["unit-form", { unit: "" }, "has no unit"],
  ["duration-unit", { name: "orders.duration", unit: "ms" }, "a duration is told in s, found ms"],
  ["no-description", { description: " " }, "has no description"],
  ["attribute-form", { attributes: { orderKind: "string" } }, "attribute orderKind must be lower case: order_kind"],
  ["identity-attribute", { attributes: { user_id: "string" } }, "attribute user_id has a new value each time"],
  ["identity-attribute", { attributes: { "session.id": "string" } }, "attribute session.id has a new value each time"],
  ["identity-attribute", { attributes: { email: "string" } }, "attribute email has a new value each time"],
  ["no-buckets", { instrument: "histogram" }, "a histogram needs buckets of its own"],
  ["buckets-order", { instrument: "histogram", buckets: [1, 5, 5] }, "buckets must be finite and ascend"],
])("the rule %s finds %j", (rule, wrong, message) => {
  expect(lintMeters([{ ...good, ...wrong }])).toEqual([
    { meter: wrong.name ?? good.name, rule, message: expect.stringContaining(message) },
  ]);
});

test("an identity in camel case is found as well, beside its form", () => {
  const found = lintMeters([{ ...good, attributes: { requestId: "string" } }]);
  expect(found.map(({ rule }) => rule)).toEqual(["attribute-form", "identity-attribute"]);
});

test("two meters that one backend could not tell apart are found, and one that is a namespace of others", () => {
  const [taken, alsoTaken] = lintMeters([good, { ...good, name: "orders_placed" }]);
  expect(taken).toMatchObject({ rule: "name-taken", message: "is the same as orders_placed to Prometheus" });
  expect(alsoTaken).toMatchObject({ rule: "name-taken", message: "is the same as orders.placed to Prometheus" });
  expect(lintMeters([good, { ...good, name: "orders" }])).toMatchObject([
    {
      meter: "orders",
      rule: "name-is-namespace",
      message: "is a namespace, too, that of orders.placed: give it one more part",
    },
  ]);
});

import { defineMeters, llm, users, withAttribution, workflow } from "@meterbridge/core";

const shop = defineMeters({
  orders: {
    name: "orders.placed",
    instrument: "counter",
    unit: "{order}",
    description: "Orders placed",
    attributes: { plan: ["free", "pro"] },
  },
});

await withAttribution({ tenant: "acme", user: "user-42" }, async () => {
  users.seen();
  await workflow.measure("order", async () => {
    llm.record({ provider: "openai", model: "gpt-5", inputTokens: 812, outputTokens: 164, duration: 0.93 });
    shop.orders.add(1, { plan: "pro" });
  });
});

import { llm } from "@meterbridge/core";

llm.record({ provider: "openai", model: "gpt-5", inputTokens: 1200, outputTokens: 300, duration: 1.8 });

import { spawnSync } from "node:child_process";
import * as core from "@meterbridge/core";
import { prometheus } from "@meterbridge/exporter-prometheus";
import { diag, metrics } from "@opentelemetry/api";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { afterAll, beforeAll, expect, test } from "vitest";

// What the replaced systems show, under the names that ours have on a page that Prometheus scrapes. What each meter counts
// is proved in packages/core/test/requirements-*.test.ts.
const exporter = prometheus({ server: false });
const reader = exporter.createReader({ resourceAttributes: {}, diag, namespace: "voice_agent" });
const provider = new MeterProvider({ readers: [reader] });
let page = "";

beforeAll(async () => {
  metrics.setGlobalMeterProvider(provider);
  core.configure({ namespace: "voice_agent", priceBook: { name: "test", price: () => 2_500_000n } });
  const own = core.defineMeters({
    spoken: {
      name: "speech.spoken",
      instrument: "counter",
      unit: "s",
      description: "Speech spoken",
      attributes: { voice: "string" },
    },
  });
  own.spoken.add(12, { voice: "alto" });
  core.workflow.created("onboarding");
  core.workflow.start("onboarding").complete();
  core.workflow.start("onboarding");
  const agent = core.agent.start("support");
  agent.node("plan").complete();
  agent.complete();
  core.tool.record({ tool: "search", status: "completed", duration: 1 });
  core.task.record({ status: "completed", duration: 1 });
  core.checkpoint.created();
  core.checkpoint.decided(undefined, "approved");
  core.webhook.record({ status: "completed", duration: 1 });
  core.users.seen("ada");
  core.http.record({ method: "GET", route: "/users/:id", status: 200, duration: 1 });
  core.database.record({ system: "postgresql", operation: "SELECT", duration: 1 });
  const call = { provider: "openai", model: "gpt-4o", inputTokens: 100, outputTokens: 20, duration: 2 };
  core.llm.record({ ...call, contextSize: 2048 });
  page = await exporter.render();
});

afterAll(async () => {
  metrics.disable();
  await provider.shutdown();
});

test.each<[row: string, sample: RegExp]>([
  ["A: workflow_created_total", /^voice_agent_workflow_created_total\{.*workflow="onboarding".*\} 1$/m],
  ["A: workflow_executions_total{status}", /^voice_agent_workflow_executions_total\{.*status="completed".*\} 1$/m],
  [
    "A: llm_tokens_used_total{model,type}, input",
    /^gen_ai_client_inference_usage_input_tokens_total\{.*gen_ai_request_model="gpt-4o".*\} 100$/m,
  ],
  [
    "A: llm_tokens_used_total{model,type}, output",
    /^gen_ai_client_inference_usage_output_tokens_total\{.*gen_ai_request_model="gpt-4o".*\} 20$/m,
  ],
  ["A: llm_requests_total{model}", /^voice_agent_llm_requests_total\{.*model="gpt-4o".*\} 1$/m],
  [
    "A: llm_request_duration_seconds{model}",
    /^gen_ai_client_inference_duration_seconds_sum\{.*gen_ai_request_model="gpt-4o".*\} 2$/m,
  ],
  ["A: checkpoint_created_total", /^voice_agent_checkpoint_created_total(\{.*\})? 1$/m],
  ["A: checkpoint_approved_total", /^voice_agent_checkpoint_decided_total\{.*decision="approved".*\} 1$/m],
  ["A: webhook_sent_total{status}", /^voice_agent_webhook_sent_total\{.*status="completed".*\} 1$/m],
  ["A: active_users_current", /^voice_agent_user_active\{.*window="5m".*\} 1$/m],
  ["B: voice_agent_llm_cost_usd_total", /^voice_agent_llm_cost_usd_total\{.*model="gpt-4o".*\} 0\.0025$/m],
  ["B: own counters with labels and namespace", /^voice_agent_speech_spoken_seconds_total\{.*voice="alto".*\} 12$/m],
  [
    "B: http.server.* by method, path and status",
    /^http_server_request_duration_seconds_count\{(?=.*http_request_method="GET")(?=.*http_route="\/users\/:id")(?=.*http_response_status_code="200").*\} 1$/m,
  ],
  [
    "B: agent.node_execution_* by node and status",
    /^voice_agent_agent_node_executions_total\{(?=.*node="plan")(?=.*status="completed").*\} 1$/m,
  ],
  [
    "B: agent.tool_call_count by tool and status",
    /^voice_agent_tool_calls_total\{(?=.*tool="search")(?=.*status="completed").*\} 1$/m,
  ],
  [
    "B: database.* by operation",
    /^db_client_operation_duration_seconds_count\{(?=.*db_operation_name="SELECT")(?=.*db_system_name="postgresql").*\} 1$/m,
  ],
  ["C: agent counter", /^voice_agent_agent_executions_total\{.*agent="support".*\} 1$/m],
  ["C: agent latency", /^gen_ai_invoke_agent_duration_seconds_count\{.*gen_ai_agent_name="support".*\} 1$/m],
  ["C: active workflows gauge", /^voice_agent_workflow_active\{.*workflow="onboarding".*\} 1$/m],
  ["C: context size histogram in bytes", /^voice_agent_llm_context_size_bytes_sum\{.*model="gpt-4o".*\} 2048$/m],
  ["E: tasks run and their errors", /^voice_agent_task_completed_total\{.*status="completed".*\} 1$/m],
  ["E: TASK_SUCCESS_RATIO", /^voice_agent_task_success_ratio(\{.*\})? 1$/m],
])("%s is on the page that Prometheus scrapes", (_row, sample) => {
  expect(page).toMatch(sample);
});

test("A: one process shares one instance, however many modules load it and whichever way", () => {
  const script = `
    import { createRequire } from "node:module";
    import { llm, users } from "@meterbridge/core";
    const required = createRequire(process.cwd() + "/index.js")("@meterbridge/core");
    users.seen("ada");
    console.log(required.llm === llm, required.users.active("5m"));
  `;
  const child = spawnSync(
    process.execPath,
    ["--conditions=@meterbridge/source", "--input-type=module", "--eval", script],
    { cwd: import.meta.dirname, encoding: "utf8" },
  );
  expect(child.stderr).toBe("");
  expect(child.stdout).toBe("true 1\n");
});

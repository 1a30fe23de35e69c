import { describe, expect, it } from "vitest";
import { exposedName, type MetricKind } from "./metric-names.ts";

const cases: [name: string, unit: string, kind: MetricKind, family: string, unitSuffix: string][] = [
  ["llm.cost", "USD", "counter", "llm_cost_usd", "usd"],
  ["llm.requests", "{request}", "counter", "llm_requests", ""],
  ["llm.requests", "1", "counter", "llm_requests", ""],
  ["gen_ai.client.inference.duration", "s", "histogram", "gen_ai_client_inference_duration_seconds", "seconds"],
  ["llm.request.cost", "USD", "histogram", "llm_request_cost_usd", "usd"],
  ["user.active", "{user}", "gauge", "user_active", ""],
  ["task.success_ratio", "1", "gauge", "task_success_ratio", "ratio"],
  ["task.success", "1", "gauge", "task_success_ratio", "ratio"],
  ["queue.balance", "1", "up_down_counter", "queue_balance", ""],
  ["llm.context.size", "By", "histogram", "llm_context_size_bytes", "bytes"],
  ["disk.read", "MiBy", "counter", "disk_read_mebibytes", "mebibytes"],
  ["payload", "kBy", "counter", "payload_kilobytes", "kilobytes"],
  ["wait", "ms", "histogram", "wait_milliseconds", "milliseconds"],
  ["net.rate", "By/s", "gauge", "net_rate_bytes_per_second", "bytes_per_second"],
  ["llm.speed", "{token}/s", "gauge", "llm_speed_per_second", "per_second"],
  ["error.rate", "1/min", "gauge", "error_rate_per_minute", "per_minute"],
  ["heap", "By{used}", "gauge", "heap_bytes", "bytes"],
  ["load", "%", "gauge", "load_percent", "percent"],
  ["job.duration_seconds", "s", "histogram", "job_duration_seconds", "seconds"],
  ["seconds_before_birthday", "s", "gauge", "seconds_before_birthday_seconds", "seconds"],
  ["c.total", "", "counter", "c", ""],
  ["busy.seconds.total", "s", "counter", "busy_seconds", "seconds"],
  ["c.total", "", "gauge", "c_total", ""],
  ["total", "", "counter", "total", ""],
  ["seconds", "s", "gauge", "seconds", ""],
  ["a..b--c//d", "", "gauge", "a_b_c_d", ""],
  ["a:b", "", "gauge", "a_b", ""],
  ["1abc", "", "gauge", "_1abc", ""],
  ["", "", "gauge", "_", ""],
  ["метрика", "s", "gauge", "_seconds", "seconds"],
  ["x.", "s", "gauge", "x_seconds", "seconds"],
  ["x", "m²·s⁻¹", "gauge", "x_m_s", "m_s"],
  ["x", "count", "gauge", "x", ""],
  ["x", "total", "counter", "x", ""],
  ["x", "{}", "gauge", "x", ""],
];

describe("exposedName", () => {
  it.each(cases)(
    "%s in %j as a %s is exposed as %s, so that dashboards find it",
    (name, unit, kind, family, suffix) => {
      expect(exposedName(name, unit, kind)).toEqual({
        family,
        sample: kind === "counter" ? `${family}_total` : family,
        unit: suffix,
      });
    },
  );

  it("cuts a name that is longer than any OpenTelemetry name may be", () => {
    expect(exposedName("x".repeat(100_000), "", "gauge").family).toHaveLength(255);
  });
});

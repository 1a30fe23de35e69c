import { describe, expect, it } from "vitest";
import { labelName } from "./label-names.ts";

const reserved = new Set(["le", "quantile"]);

describe("labelName", () => {
  it.each([
    ["model", "model"],
    ["gen_ai.request.model", "gen_ai_request_model"],
    ["a-b/c d", "a_b_c_d"],
    ["1abc", "_1abc"],
    ["", "_"],
    ["__name__", "_name_"],
    ["__proto__", "_proto_"],
    ["constructor", "constructor"],
    ["le", "exported_le"],
    ["quantile", "exported_quantile"],
    ["héllo", "h_llo"],
    ["模型", "_"],
    ['a"} 1\nb{c="', "a_1_b_c_"],
  ])("turns the attribute key %j into the label %s, which Prometheus accepts", (key, label) => {
    expect(labelName(key, reserved)).toBe(label);
  });

  it("cuts a key of a megabyte", () => {
    expect(labelName("k".repeat(1_000_000), reserved)).toHaveLength(255);
  });
});

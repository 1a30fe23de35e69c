import { describe, expect, it } from "vitest";
import { escapeLabelName, escapeMetricName, type EscapingScheme } from "./escape-names.ts";

// What Prometheus's own library makes of these (prometheus/common, model, EscapeName).
const cases: [name: string, scheme: EscapingScheme, escaped: string][] = [
  ["no:escaping_required", "underscores", "no:escaping_required"],
  ["no:escaping_required", "dots", "no:escaping__required"],
  ["no:escaping_required", "values", "no:escaping_required"],
  ["mysystem.prod.west.cpu.load", "underscores", "mysystem_prod_west_cpu_load"],
  ["mysystem.prod.west.cpu.load", "dots", "mysystem_dot_prod_dot_west_dot_cpu_dot_load"],
  ["mysystem.prod.west.cpu.load", "values", "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load"],
  ["mysystem.prod.west.cpu.load_total", "dots", "mysystem_dot_prod_dot_west_dot_cpu_dot_load__total"],
  ["mysystem.prod.west.cpu.load_total", "values", "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load__total"],
  ["http.status:sum", "dots", "http_dot_status:sum"],
  ["http.status:sum", "values", "U__http_2e_status:sum"],
  ["label with 😱", "underscores", "label_with__"],
  ["label with 😱", "dots", "label__with____"],
  ["label with 😱", "values", "U__label_20_with_20__1f631_"],
  ["1abc", "underscores", "_abc"],
  ["1abc", "values", "U___31_abc"],
  ["my.name", "allow-utf-8", "my.name"],
];

describe("escapeMetricName", () => {
  it.each(cases)("writes %j in scheme %s as %s, so that a server can turn it back", (name, scheme, escaped) => {
    expect(escapeMetricName(name, scheme)).toBe(escaped);
  });
});

describe("escapeLabelName", () => {
  it("takes a colon for no letter, since a label with one breaks a scrape", () => {
    expect(escapeLabelName("a:b", "underscores")).toBe("a_b");
    expect(escapeLabelName("a:b", "values")).toBe("U__a_3a_b");
  });
});

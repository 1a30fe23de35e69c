import { catalogue } from "@meterbridge/core";
import { lintMeters } from "@meterbridge/testkit/meters";
import { expect, test } from "vitest";

test("the names, units and attributes of the catalogue keep the rules that users are held to", () => {
  expect(lintMeters(catalogue)).toEqual([]);
});

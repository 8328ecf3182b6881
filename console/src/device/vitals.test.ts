import { expect, test } from "vitest";
import { flatten } from "./vitals";

test("units stand beside their values and missing values say so", () => {
  const rows = flatten({ network: { signal: { strength: 88.3, strength_units: "%", strengthv_type: "RSRP", strengthv: -77, strengthv_units: "dBm" } }, power: { battery: { charge: { err: -210 } } } });
  expect(rows).toEqual([
    ["network › signal › strength", "88.3 %"],
    ["network › signal › strengthv", "-77 dBm RSRP"],
    ["power › battery › charge", "not available (error -210)"],
  ]);
});

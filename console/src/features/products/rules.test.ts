import { expect, test } from "vitest";
import { runningShares } from "./rules";

test("versions are shown by how many run them, then those without any", () => {
  const shares = runningShares([{ version: 1, device_count: 2 }, { version: 2, device_count: 7 }, { version: 3, device_count: 0 }], 10);
  expect(shares.map((one) => [one.label, one.count])).toEqual([["run version 2", 7], ["run version 1", 2], ["run no version of this product", 1]]);
});

test("beyond four versions the others are counted together", () => {
  const versions = [1, 2, 3, 4, 5, 6].map((version) => ({ version, device_count: 10 - version }));
  expect(runningShares(versions, 39).at(-1)).toEqual({ label: "run another version", count: 5 + 4, tone: "idle" });
});

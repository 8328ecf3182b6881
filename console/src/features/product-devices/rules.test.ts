import { expect, test } from "vitest";
import { pagesInSight, searchParameter, updateState } from "./rules";

const device = { development: false, desired_firmware_version: null, targeted_firmware_release_version: null, firmware_version: 2 };

test("a lock counts before what is released, and development before both", () => {
  expect(updateState(device).text).toBe("no release");
  expect(updateState({ ...device, targeted_firmware_release_version: 2 }).text).toBe("up to date");
  expect(updateState({ ...device, targeted_firmware_release_version: 3 }).text).toBe("waits for 3");
  expect(updateState({ ...device, targeted_firmware_release_version: 3, desired_firmware_version: 2 }).text).toBe("up to date");
  expect(updateState({ ...device, desired_firmware_version: 9, development: true }).text).toBe("development");
});

test("hexadecimal digits are an id, the rest is a name", () => {
  expect(searchParameter("E00FCE68")).toEqual(["deviceId", "e00fce68"]);
  expect(searchParameter("cafe")).toEqual(["deviceName", "cafe"]);
  expect(searchParameter("pump-12")).toEqual(["deviceName", "pump-12"]);
});

test("what is in sight says which pages are needed", () => {
  expect(pagesInSight([0, 24], 100_000, 100)).toEqual([1]);
  expect(pagesInSight([90, 130], 100_000, 100)).toEqual([1, 2]);
  expect(pagesInSight([99_980, 100_020], 100_000, 100)).toEqual([1000]);
  expect(pagesInSight([500, 520], 3, 100)).toEqual([1]);
});

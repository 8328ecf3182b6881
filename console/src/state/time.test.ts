import { expect, test } from "vitest";
import { formatAbsolute, formatAge, formatDuration } from "./time";

test("ages are told in one unit", () => {
  expect(formatAge(1000)).toBe("just now");
  expect(formatAge(42_000)).toBe("42 s ago");
  expect(formatAge(4 * 60_000 + 59_000)).toBe("4 min ago");
  expect(formatAge(25 * 3_600_000)).toBe("1 d ago");
});

test("durations are told in two units", () => {
  expect(formatDuration(12)).toBe("12 s");
  expect(formatDuration(3 * 3600 + 20 * 60)).toBe("3 h 20 min");
  expect(formatDuration(90_000)).toBe("1 d 1 h");
});

test("moments keep their milliseconds and name their zone", () => {
  expect(formatAbsolute("2026-11-30T12:00:00.123Z", "UTC")).toBe("2026-11-30 12:00:00.123 UTC");
  expect(formatAbsolute("nonsense", "UTC")).toBe("nonsense");
});

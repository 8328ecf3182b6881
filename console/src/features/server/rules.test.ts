import { expect, test } from "vitest";
import { backupVerdict, certificateVerdict, diskVerdict, formatSize, queueVerdict } from "./rules";

const NOW = Date.parse("2026-12-01T00:00:00Z");

test("a backup that is missing or old asks to be looked at", () => {
  expect(backupVerdict(null, NOW).tone).toBe("look");
  expect(backupVerdict("2026-11-01T00:00:00Z", NOW).tone).toBe("look");
  expect(backupVerdict("2026-11-30T00:00:00Z", NOW).tone).toBe("good");
});

test("a certificate is told by the days that it has left", () => {
  expect(certificateVerdict("2026-12-11T00:00:00Z", NOW)).toEqual({ tone: "look", text: "10 days left" });
  expect(certificateVerdict("2026-11-30T00:00:00Z", NOW).tone).toBe("bad");
  expect(certificateVerdict("2027-12-01T00:00:00Z", NOW).tone).toBe("good");
});

test("room and queues have limits", () => {
  expect(diskVerdict(50 * 1024 ** 2, 1024 ** 4).tone).toBe("bad");
  expect(diskVerdict(500 * 1024 ** 3, 1024 ** 4)).toEqual({ tone: "good", text: "49 % free" });
  expect(queueVerdict(10, 10).tone).toBe("bad");
  expect(queueVerdict(6, 10).tone).toBe("look");
  expect(queueVerdict(1, null).tone).toBe("work");
  expect(queueVerdict(0, 10).tone).toBe("good");
});

test("sizes have one unit", () => {
  expect(formatSize(0)).toBe("0 B");
  expect(formatSize(1536)).toBe("1.5 KiB");
  expect(formatSize(200 * 1024 ** 3)).toBe("200 GiB");
});

import { expect, test } from "vitest";
import { formatBytes, nextVersion } from "./rules";

test("the next version follows the highest", () => {
  expect(nextVersion([])).toBe(1);
  expect(nextVersion([{ version: 3 }, { version: 12 }, { version: 7 }])).toBe(13);
});

test("sizes are told in the unit that people read", () => {
  expect(formatBytes(512)).toBe("512 B");
  expect(formatBytes(131_072)).toBe("128.0 KiB");
  expect(formatBytes(3 * 1024 * 1024)).toBe("3.0 MiB");
});

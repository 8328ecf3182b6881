import { expect, test } from "vitest";
import { platformName } from "./boards";

test("boards have names, unknown ones their number", () => {
  expect(platformName(13)).toBe("Boron");
  expect(platformName(999)).toBe("platform 999");
  expect(platformName(null)).toBe("unknown");
});

import { expect, test } from "vitest";
import { showValue } from "./values";

test("text is shown as it is and the rest as JSON", () => {
  expect(showValue("a")).toBe("a");
  expect(showValue(4.5)).toBe("4.5");
  expect(showValue(true)).toBe("true");
});

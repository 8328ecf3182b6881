import { expect, test } from "vitest";
import { filterOf, isWanted, keyOf } from "./filters";

const event = { id: "1", name: "temp/high", data: "9", published_at: "t", coreid: "d1", userid: "me", productID: 7 };

test("equal filters have one key, which gives the filter back", () => {
  expect(keyOf({ product: 7 })).toBe(keyOf({ product: 7, prefix: "" }));
  expect(filterOf(keyOf({ device: "d1", prefix: "temp" }))).toEqual({ device: "d1", prefix: "temp" });
});

test("a shared stream's event reaches those who asked for it", () => {
  expect(isWanted(event, { product: 7 }, "me", 7)).toBe(true);
  expect(isWanted(event, { product: 8 }, "me", 8)).toBe(false);
  expect(isWanted(event, { product: 7, device: "d2" }, "me", 7)).toBe(false);
  expect(isWanted(event, { prefix: "temp" }, "me", null)).toBe(true);
  expect(isWanted(event, { prefix: "door" }, "me", null)).toBe(false);
  expect(isWanted(event, {}, "somebody else", null)).toBe(false);
});

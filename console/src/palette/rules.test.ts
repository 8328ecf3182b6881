import { expect, test } from "vitest";
import { matching, type Target } from "./rules";

const targets: Target[] = [
  { to: "/a", label: "Cellar fridge", kind: "device", also: "e00fce68aa" },
  { to: "/b", label: "Fridge", kind: "product" },
  { to: "/c", label: "Events", kind: "page of Fridge" },
];

test("every word must be there, what begins with the first stands first", () => {
  expect(matching(targets, "fridge").map((one) => one.to)).toEqual(["/b", "/a", "/c"]);
  expect(matching(targets, "fridge events").map((one) => one.to)).toEqual(["/c"]);
  expect(matching(targets, "CE68").map((one) => one.to)).toEqual(["/a"]);
  expect(matching(targets, "")).toHaveLength(3);
});

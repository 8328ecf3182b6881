import { expect, test } from "vitest";
import { isMeant } from "./rules";

const device = { id: "e00fce68aabb", name: "Kitchen fridge", serial_number: "P046" };

test("a search looks at name, id and serial number in any case", () => {
  expect(isMeant(device, "")).toBe(true);
  expect(isMeant(device, " KITCHEN ")).toBe(true);
  expect(isMeant(device, "CE68")).toBe(true);
  expect(isMeant(device, "p04")).toBe(true);
  expect(isMeant(device, "cellar")).toBe(false);
});

import { expect, test } from "vitest";
import { compared, limitText, nearness } from "./rules";

test("a limit is told by what still fits", () => {
  expect(nearness(3, 100)).toMatchObject({ tone: "good", text: "room for 97 more" });
  expect(nearness(70, 100).tone).toBe("look");
  expect(nearness(100, 100)).toMatchObject({ tone: "bad", share: 1 });
  expect(nearness(5, null)).toMatchObject({ tone: "good", text: "no limit" });
});

test("plans are compared row by row", () => {
  const plan = { name: "small", updates: "device", team_roles: [], devices_per_account: 100, devices_per_product: null, devices_outside_products: null, features: [{ feature: "groups", title: "Device groups", included: true }] };
  const rows = compared([plan]);
  expect(rows[0]).toEqual({ what: "Devices in all", values: ["100"] });
  expect(rows.at(-1)).toEqual({ what: "Device groups", values: ["yes"] });
  expect(limitText(null)).toBe("no limit");
});

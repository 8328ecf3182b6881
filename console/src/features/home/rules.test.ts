import { expect, test } from "vitest";
import { bareHost, firingIn, quoted, tokenCommand } from "./rules";

test("hosts lose the brackets of a URL", () => {
  expect(bareHost("[::1]")).toBe("::1");
  expect(bareHost("cloud.example.com")).toBe("cloud.example.com");
});

test("what a shell would read is quoted", () => {
  expect(quoted("username=jo@example.com")).toBe("username=jo@example.com");
  expect(quoted("username=o'neill;rm")).toBe(`'username=o'\\''neill;rm'`);
});

test("the password is never a part of the command", () => {
  expect(tokenCommand("http://127.0.0.1:8080", "jo@example.com")).toContain('"password=$PASSWORD"');
});

test("products that fire come by how much", () => {
  const products = [{ id: 1 }, { id: 2 }, { id: 3 }];
  const counts = [{ product_id: 1, open: 2 }, { product_id: 2, open: 0 }, { product_id: 3, open: 9 }, { product_id: 4, open: 1 }];
  expect(firingIn(products, counts).map((one) => [one.product.id, one.open])).toEqual([[3, 9], [1, 2]]);
});

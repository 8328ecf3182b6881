import { expect, test } from "vitest";
import { bareHost, quoted, tokenCommand } from "./rules";

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

import { expect, test } from "vitest";
import { eventOf, MessageSplitter } from "./stream";

test("messages cut anywhere come out whole", () => {
  const text = ':ok\n\nid: 7\nevent: temp\ndata: {"data":"21","published_at":"t","coreid":"api"}\n\n:\n\nevent: b\ndata: {}\n\n';
  for (let cut = 0; cut <= text.length; cut += 1) {
    const splitter = new MessageSplitter();
    const found = [...splitter.push(text.slice(0, cut)), ...splitter.push(text.slice(cut))];
    expect(found.map((one) => one.event)).toEqual(["temp", "b"]);
    expect(found[0]?.id).toBe("7");
  }
});

test("an event keeps its text and shows structured data as JSON", () => {
  expect(eventOf({ event: "a", data: '{"data":"x","coreid":"d"}' })?.data).toBe("x");
  expect(eventOf({ event: "a", data: '{"data":{"b":1},"coreid":"d"}' })?.data).toBe('{"b":1}');
  expect(eventOf({ event: "a", data: "not json" })).toBeNull();
});

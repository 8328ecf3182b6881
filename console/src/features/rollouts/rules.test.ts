import { expect, test } from "vitest";
import { actsOn, formatChance, isOver, parseStages, sharesOf, stateOf } from "./rules";

test("what is over takes no act", () => {
  for (const state of ["halted", "aborted", "finished"]) {
    expect(isOver(state)).toBe(true);
    expect(Object.values(actsOn(state))).toEqual([false, false, false, false]);
  }
});

test("a rollout that the gate holds can be let go on, paused or ended", () => {
  expect(actsOn("held")).toEqual({ pause: true, resume: true, approve: false, abort: true });
  expect(actsOn("awaiting_approval")).toEqual({ pause: false, resume: false, approve: true, abort: true });
});

test("states that need a person look so, unknown ones keep their word", () => {
  expect(stateOf("held").tone).toBe("look");
  expect(stateOf("some_thing")).toEqual({ tone: "idle", text: "some thing" });
});

test("devices are counted in the order done, working, failed, waiting", () => {
  expect(sharesOf({ waiting: 3, updated: 2 }).map((one) => [one.label, one.count])).toEqual([["updated", 2], ["offered", 0], ["failed", 0], ["left alone", 0], ["waiting", 3]]);
});

test("stages are split where people split them", () => {
  expect(parseStages("5, 5% ;25%")).toEqual(["5", "5%", "25%"]);
  expect(parseStages(" ")).toEqual([]);
});

test("chances keep what matters of them", () => {
  expect(formatChance(0.5)).toBe("50 %");
  expect(formatChance(0.0123)).toBe("1.23 %");
  expect(formatChance(0.00001)).toBe("below 0.01 %");
});

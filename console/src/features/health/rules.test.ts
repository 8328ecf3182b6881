import { describe, expect, it } from "vitest";
import { durationShares, percent, seriesOf, stateShares, successOf, tens, verdictOf } from "./rules";

const at = (day: number, counts: Record<string, number>) => ({ time: `2026-01-0${day}T00:00:00Z`, counts });

describe("the verdict", () => {
  it("says nothing of a fleet that nobody knows", () => {
    expect(verdictOf([at(1, {}), at(2, { unknown: 9 })]).tone).toBe("idle");
  });
  it("says since when it gets worse", () => {
    const found = verdictOf([at(1, { healthy: 10 }), at(2, { healthy: 10 }), at(3, { healthy: 6, unhealthy: 4 }), at(4, { healthy: 5, unhealthy: 4, warning: 1 })]);
    expect(found).toEqual({ tone: "bad", text: "Getting worse: 50 % of the devices are in trouble, up from 0 %.", since: "2026-01-03T00:00:00Z" });
  });
  it("says since when it gets better, and leaves gaps out", () => {
    const found = verdictOf([at(1, { healthy: 5, warning: 5 }), at(2, {}), at(3, { healthy: 10 })]);
    expect(found.tone).toBe("good");
    expect(found.since).toBe("2026-01-03T00:00:00Z");
  });
  it("makes no news of little", () => {
    expect(verdictOf([at(1, { healthy: 100 }), at(2, { healthy: 99, warning: 1 })]).text).toContain("As before");
  });
});

describe("what charts show", () => {
  it("has five lines at most", () => {
    const counts = Object.fromEntries(Array.from({ length: 7 }, (_, place) => [`v${place}`, place + 1]));
    const { series } = seriesOf([at(1, counts)], (label) => label);
    expect(series.map((one) => one.label)).toEqual(["v6", "v5", "v4", "v3", "others"]);
    expect(series.at(-1)?.values).toEqual([6]);
    expect(seriesOf([at(1, {})], (label) => label).times).toEqual([]);
  });
  it("keeps the order of states and fills what is missing with zero", () => {
    const { series } = seriesOf([at(1, { unhealthy: 2 }), at(2, { warning: 9 })], (label) => label, ["warning", "unhealthy"]);
    expect(series).toEqual([{ label: "warning", values: [0, 9] }, { label: "unhealthy", values: [2, 0] }]);
  });
  it("leaves gaps where nothing was known", () => {
    const { series } = seriesOf([at(1, {}), at(2, { healthy: 3 })], (label) => label, ["healthy"], true);
    expect(series[0]?.values).toEqual([null, 3]);
  });
  it("sums durations and tens", () => {
    expect(durationShares([at(1, { under_1m: 2 }), at(2, { under_1m: 1, over_1d: 4 })]).map((one) => one.count)).toEqual([3, 0, 0, 0, 0, 4]);
    expect(tens({ "90": 3 })[9]).toEqual({ label: "90–100 %", count: 3 });
  });
  it("has shares and words", () => {
    expect(stateShares({ unhealthy: 1 }).map((one) => one.count)).toEqual([0, 0, 1, 0]);
    expect([percent(0), percent(0.004), percent(0.5)]).toEqual(["0 %", "under 1 %", "50 %"]);
    expect([successOf({}), successOf({ succeeded: 3, failed: 1, cancelled: 8 })]).toEqual(["–", "75 % of 4"]);
  });
});

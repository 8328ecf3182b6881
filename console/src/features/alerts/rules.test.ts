import { describe, expect, test } from "vitest";
import type { Alert, Rule } from "./queries";
import { careOf, draftOf, fieldsOf, PATH, stateOf } from "./rules";

const METRICS = ["battery_charge", "uptime"];

describe("the editor", () => {
  test("begins with what most people want", () => {
    const draft = draftOf({ ...fieldsOf(null, METRICS, "Europe/Berlin"), name: " Silent " }, true);
    expect(draft.name).toBe("Silent");
    expect(draft.condition).toEqual({ for_s: 3600 });
    expect(draft.recipients).toBeNull();
    expect(draft.group_window_s).toBe(60);
  });

  test("sends only what a kind has", () => {
    const fields = { ...fieldsOf(null, METRICS, "UTC"), name: "x", groups: "beta, gamma", version: "7" };
    expect(draftOf({ ...fields, kind: "webhook" }, true).scope).toEqual({});
    expect(draftOf({ ...fields, kind: "webhook" }, true).condition).toEqual({ count: 3, within_s: 600, breaker: true });
    expect(draftOf({ ...fields, kind: "vital", level: "15", clear: "30" }, true).condition).toEqual({ for_s: 3600, metric: "battery_charge", below: 15, clear_level: 30 });
    expect(draftOf({ ...fields, kind: "vital", metric: PATH, path: "device.other.temp", side: "above" }, true).condition).toMatchObject({ metric: "device.other.temp", above: 20 });
    expect(draftOf({ ...fields, kind: "resets" }, true).scope).toEqual({ groups: ["beta", "gamma"], firmware_version: 7, development: false });
    expect(draftOf({ ...fields, kind: "update_failures", by: "version" }, true).scope).toEqual({});
  });

  test("keeps a rule as it is", () => {
    const rule = {
      name: "Hot", kind: "vital", enabled: true, severity: "critical", clear_after_s: 120, group_window_s: 0, tell_resolved: false,
      condition: { for_s: 60, metric: "device.other.temp", above: 70, below: null, clear_level: 60, count: 0, within_s: 0, by: "device", breaker: true },
      scope: { groups: ["beta"], firmware_version: null, development: true },
      recipients: { mail: ["a@example.com"], webhook_url: "https://x.example/y", quiet: { begin: "22:00", end: "07:00", timeZone: "Europe/Berlin" } },
    } as unknown as Rule;
    const draft = draftOf(fieldsOf(rule, METRICS, "UTC"), true);
    expect(draft.condition).toEqual({ for_s: 60, metric: "device.other.temp", above: 70, clear_level: 60 });
    expect(draft.scope).toEqual(rule.scope);
    expect(draft.recipients).toEqual(rule.recipients);
    expect([draft.clear_after_s, draft.group_window_s, draft.tell_resolved]).toEqual([120, 0, false]);
  });
});

describe("an alert in words", () => {
  const alert = { state: "open", severity: "warning", acknowledged_by: "", resolved_by: "", reason: "" } as Alert;
  test("is red only while nobody looks after it", () => {
    expect(stateOf(alert).tone).toBe("bad");
    expect(stateOf({ ...alert, state: "acknowledged" }).tone).toBe("look");
    expect(stateOf({ ...alert, state: "resolved" }).tone).toBe("idle");
  });
  test("says how it ended", () => {
    expect(careOf({ ...alert, state: "resolved", reason: "ended" })).toBe("by itself");
    expect(careOf({ ...alert, state: "resolved", reason: "person", resolved_by: "jo@example.com" })).toBe("by jo@example.com");
    expect(careOf({ ...alert, state: "acknowledged", acknowledged_by: "jo@example.com" })).toBe("jo@example.com");
  });
});

import { expect, test } from "vitest";
import { fieldsOf, isPlainWebhook, isSecret, settingsOf, webhookOf } from "./rules";

test("a webhook comes back from its form as it was", () => {
  const hook = { id: "1", integration_type: "Webhook", name: "n", event: "temp", disabled: false, created_at: "t", url: "https://a.example", requestType: "PUT", json: '{"t": {{{PARTICLE_EVENT_VALUE}}}}', headers: { "X-A": "b" } };
  const sent = webhookOf(fieldsOf(hook));
  expect(sent).toMatchObject({ event: "temp", url: "https://a.example", requestType: "PUT", json: hook.json, headers: { "X-A": "b" } });
  expect(sent).not.toHaveProperty("auth");
});

test("headers that are not JSON are refused", () => {
  expect(() => webhookOf({ ...fieldsOf(null), headers: "X-A: b" })).toThrow(SyntaxError);
});

test("what the form does not know is changed as JSON, facts aside", () => {
  const hook = { id: "1", integration_type: "Webhook", name: "n", event: "temp", disabled: false, created_at: "t", url: "https://a.example" };
  expect(isPlainWebhook(hook)).toBe(true);
  expect(isPlainWebhook({ ...hook, batch: { maxEvents: 5 } })).toBe(false);
  expect(isPlainWebhook({ ...hook, integration_type: "Mqtt" })).toBe(false);
  expect(settingsOf({ ...hook, batch: 1, in_flight: 2 })).toEqual({ integration_type: "Webhook", name: "n", event: "temp", disabled: false, url: "https://a.example", batch: 1 });
});

test("parameters that are secrets are known by their names", () => {
  expect(["token", "password", "api_key"].every(isSecret)).toBe(true);
  expect(isSecret("bucket")).toBe(false);
});

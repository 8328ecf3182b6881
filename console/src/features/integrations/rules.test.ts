import { expect, test } from "vitest";
import { fieldsOf, webhookOf } from "./rules";

test("a webhook comes back from its form as it was", () => {
  const hook = { id: "1", integration_type: "Webhook", name: "n", event: "temp", disabled: false, created_at: "t", url: "https://a.example", requestType: "PUT", json: '{"t": {{{PARTICLE_EVENT_VALUE}}}}', headers: { "X-A": "b" } };
  const sent = webhookOf(fieldsOf(hook));
  expect(sent).toMatchObject({ event: "temp", url: "https://a.example", requestType: "PUT", json: hook.json, headers: { "X-A": "b" } });
  expect(sent).not.toHaveProperty("auth");
});

test("headers that are not JSON are refused", () => {
  expect(() => webhookOf({ ...fieldsOf(null), headers: "X-A: b" })).toThrow(SyntaxError);
});

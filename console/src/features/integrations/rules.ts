import type { Tone } from "../../ui/Marks";
import type { Integration } from "./queries";

export type Encoding = "default" | "json" | "form" | "body";

export interface WebhookFields {
  name: string;
  event: string;
  url: string;
  requestType: string;
  encoding: Encoding;
  payload: string;
  headers: string;
  query: string;
  username: string;
  password: string;
  responseTemplate: string;
  responseTopic: string;
  noDefaults: boolean;
  rejectUnauthorized: boolean;
  disabled: boolean;
}

/** What a form shows of a webhook. */
export function fieldsOf(hook: Integration | null): WebhookFields {
  const text = (value: unknown): string => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 2));
  const encoding: Encoding = hook?.json !== undefined ? "json" : hook?.form !== undefined ? "form" : hook?.body !== undefined ? "body" : "default";
  const auth = (hook?.auth ?? {}) as Record<string, string>;
  return {
    name: hook?.name ?? "",
    event: hook?.event ?? "",
    url: hook?.url ?? "",
    requestType: String(hook?.requestType ?? "POST"),
    encoding,
    payload: encoding === "default" ? "" : text(hook?.[encoding]),
    headers: text(hook?.headers),
    query: text(hook?.query),
    username: auth.username ?? "",
    password: auth.password ?? "",
    responseTemplate: text(hook?.responseTemplate),
    responseTopic: text(hook?.responseTopic),
    noDefaults: hook?.noDefaults === true,
    rejectUnauthorized: hook?.rejectUnauthorized !== false,
    disabled: hook?.disabled === true,
  };
}

/** The webhook that a form describes.
 *
 * @throws SyntaxError when a field that must be JSON is not.
 */
export function webhookOf(fields: WebhookFields): Record<string, unknown> {
  const hook: Record<string, unknown> = { integration_type: "Webhook", event: fields.event, url: fields.url, requestType: fields.requestType, noDefaults: fields.noDefaults, rejectUnauthorized: fields.rejectUnauthorized, disabled: fields.disabled };
  for (const name of ["name", "responseTemplate", "responseTopic"] as const) if (fields[name]) hook[name] = fields[name];
  for (const name of ["headers", "query"] as const) if (fields[name].trim()) hook[name] = JSON.parse(fields[name]) as unknown;
  if (fields.username) hook.auth = { username: fields.username, password: fields.password };
  if (fields.encoding === "form") hook.form = JSON.parse(fields.payload || "{}") as unknown;
  // A JSON body is a template: {{{value}}} without quotes is not JSON before it is filled in.
  if (fields.encoding === "json" || fields.encoding === "body") hook[fields.encoding] = fields.payload;
  return hook;
}

/** Fields that say what an integration is and how it stands; the others are its settings. */
const FACTS = new Set(["id", "created_at", "updated_at", "logs", "errors", "breaker", "hosts", "in_flight", "held_by"]);

/** What the form of a webhook knows; an integration with more is changed as JSON, so that nothing is lost. */
const FORM = new Set([...FACTS, "integration_type", "event", "name", "disabled", "url", "requestType", "json", "form", "body", "headers", "query", "auth", "responseTemplate", "responseTopic", "noDefaults", "rejectUnauthorized"]);

/** Whether the form of a webhook shows all that is set. */
export function isPlainWebhook(one: Integration): boolean {
  return one.integration_type === "Webhook" && Object.keys(one).every((name) => FORM.has(name)) && !(one.json !== undefined && typeof one.json !== "string");
}

/** The settings of an integration, as they are sent back to change it. */
export function settingsOf(one: Integration): Record<string, unknown> {
  return Object.fromEntries(Object.entries(one).filter(([name]) => !FACTS.has(name)));
}

/** Whether a template's parameter is a secret, by its name. */
export function isSecret(name: string): boolean {
  return /pass|token|secret|key/i.test(name);
}

const TONES: Record<string, Tone> = { delivered: "good", waiting: "work", failed: "bad", rejected: "bad", expired: "bad" };

/** The colour of a delivery's outcome. */
export function outcomeTone(outcome: string): Tone {
  return TONES[outcome] ?? "idle";
}

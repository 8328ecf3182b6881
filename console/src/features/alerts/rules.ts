import type { Tone } from "../../ui/Marks";
import type { Alert, Draft, Rule } from "./queries";

export type Kind = Rule["kind"];

/** What rules can watch, in words. */
export const KINDS: { kind: Kind; label: string; help: string }[] = [
  { kind: "offline", label: "A device is offline", help: "Counts from the moment at which the device went." },
  { kind: "vital", label: "A vital is beyond a level", help: "Each time a device sends its vitals." },
  { kind: "resets", label: "A device resets again and again", help: "Resets that nobody asked for: panics, watchdogs, power." },
  { kind: "update_failures", label: "Updates fail", help: "Of one device, or of one version on any devices." },
  { kind: "fleet_online", label: "Too few devices are online", help: "Share of all devices of the product or of one group, each minute." },
  { kind: "webhook", label: "An integration fails", help: "Events that were given up, and integrations that are paused." },
];

const REASONS: Record<string, string> = {
  ended: "by itself",
  rule_changed: "the rule was changed",
  rule_off: "the rule was turned off",
  rule_deleted: "the rule was deleted",
  left: "the device left the product",
};

/** The state of an alert by tone and word; red only while nobody looks after it. */
export function stateOf(alert: Alert): { tone: Tone; text: string } {
  if (alert.state === "open") return { tone: alert.severity === "info" ? "look" : "bad", text: "open" };
  if (alert.state === "acknowledged") return { tone: "look", text: "acknowledged" };
  return { tone: "idle", text: "resolved" };
}

/** Who looks after an alert, or how it ended. */
export function careOf(alert: Alert): string {
  if (alert.state !== "resolved") return alert.acknowledged_by;
  const reason = REASONS[alert.reason];
  if (!alert.resolved_by) return reason ?? alert.reason;
  return reason ? `${reason}, by ${alert.resolved_by}` : `by ${alert.resolved_by}`;
}

/** The time zone of the person's machine. */
export function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Who is told by a rule, in words. */
export function toldOf(rule: Rule): string {
  const ways = [...rule.told.mail, ...(rule.told.webhook ? ["a webhook"] : [])];
  return ways.length === 0 ? "nobody" : ways.join(", ");
}

/** What the editor holds: texts, as people type them. */
export interface Fields {
  name: string;
  kind: Kind;
  minutes: string;
  metric: string;
  path: string;
  side: "above" | "below";
  level: string;
  clear: string;
  count: string;
  within: string;
  by: "device" | "version";
  breaker: boolean;
  groups: string;
  version: string;
  development: boolean;
  severity: Rule["severity"];
  clear_minutes: string;
  group_minutes: string;
  tell_resolved: boolean;
  own: boolean;
  mail: string;
  webhook: string;
  quiet_begin: string;
  quiet_end: string;
  quiet_zone: string;
}

const OWN_PATH = "…";

/** The metric that stands for a path of one's own. */
export const PATH = OWN_PATH;

const minutes = (text: string) => Math.round(Number(text || "0") * 60);
const words = (text: string) => text.split(/[\s,]+/).filter(Boolean);
const maybe = (text: string) => (text.trim() === "" ? null : Number(text));

/** The rule that the fields ask for; only what its kind has. */
export function draftOf(fields: Fields, enabled: boolean): Draft {
  const { kind } = fields;
  const narrowed = kind !== "webhook" && !(kind === "update_failures" && fields.by === "version");
  return {
    name: fields.name.trim(),
    kind,
    condition: conditionOf(fields),
    scope: narrowed ? {
      groups: words(fields.groups),
      firmware_version: kind === "fleet_online" ? null : maybe(fields.version),
      development: kind === "fleet_online" ? false : fields.development,
    } : {},
    severity: fields.severity,
    clear_after_s: minutes(fields.clear_minutes),
    group_window_s: minutes(fields.group_minutes),
    tell_resolved: fields.tell_resolved,
    enabled,
    recipients: fields.own ? {
      mail: words(fields.mail),
      webhook_url: fields.webhook.trim() || null,
      quiet: fields.quiet_begin && fields.quiet_end ? { begin: fields.quiet_begin, end: fields.quiet_end, timeZone: fields.quiet_zone.trim() || "UTC" } : null,
    } : null,
  } as Draft;
}

function conditionOf(fields: Fields): Record<string, unknown> {
  switch (fields.kind) {
    case "offline":
      return { for_s: minutes(fields.minutes) };
    case "vital":
      return {
        for_s: minutes(fields.minutes),
        metric: fields.metric === OWN_PATH ? fields.path.trim() : fields.metric,
        [fields.side]: Number(fields.level),
        clear_level: maybe(fields.clear),
      };
    case "fleet_online":
      return { for_s: minutes(fields.minutes), below: Number(fields.level), clear_level: maybe(fields.clear) };
    case "resets":
      return { count: Number(fields.count), within_s: minutes(fields.within) };
    case "update_failures":
      return { count: Number(fields.count), within_s: minutes(fields.within), by: fields.by };
    case "webhook":
      return { count: Number(fields.count), within_s: minutes(fields.within), breaker: fields.breaker };
  }
}

const text = (value: number | null | undefined) => (value === null || value === undefined ? "" : String(value));

/** What the editor begins with: a rule, or what most people want. */
export function fieldsOf(rule: Rule | null, metrics: string[], zone: string): Fields {
  const condition = rule?.condition;
  const metric = condition?.metric || "battery_charge";
  const known = metrics.includes(metric);
  const quiet = rule?.recipients?.quiet;
  return {
    name: rule?.name ?? "",
    kind: rule?.kind ?? "offline",
    minutes: rule ? String((condition?.for_s ?? 0) / 60) : "60",
    metric: known ? metric : OWN_PATH,
    path: known ? "" : metric,
    side: condition?.above === null || condition?.above === undefined ? "below" : "above",
    level: text(condition?.above ?? condition?.below) || "20",
    clear: text(condition?.clear_level),
    count: String(condition?.count || 3),
    within: String((condition?.within_s || 600) / 60),
    by: condition?.by ?? "device",
    breaker: condition?.breaker ?? true,
    groups: (rule?.scope.groups ?? []).join(", "),
    version: text(rule?.scope.firmware_version),
    development: rule?.scope.development ?? false,
    severity: rule?.severity ?? "warning",
    clear_minutes: String((rule?.clear_after_s ?? 0) / 60),
    group_minutes: String((rule?.group_window_s ?? 60) / 60),
    tell_resolved: rule?.tell_resolved ?? true,
    own: Boolean(rule?.recipients),
    mail: (rule?.recipients?.mail ?? []).join(", "),
    webhook: rule?.recipients?.webhook_url ?? "",
    quiet_begin: quiet?.begin ?? "",
    quiet_end: quiet?.end ?? "",
    quiet_zone: quiet?.timeZone ?? zone,
  };
}

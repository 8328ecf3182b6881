import type { Tone } from "../../ui/Marks";
import type { Plan } from "./queries";

export interface Nearness {
  tone: Tone;
  text: string;
  /** Share of the limit that is used, 0 to 1. */
  share: number;
}

/** How near a limit is. From 70 % on it asks to be looked at; at the limit nothing more fits. */
export function nearness(used: number, limit: number | null): Nearness {
  if (limit === null) return { tone: "good", text: "no limit", share: 0 };
  const share = limit === 0 ? 1 : Math.min(1, used / limit);
  const left = Math.max(0, limit - used);
  if (left === 0) return { tone: "bad", text: "full: nothing more can be added", share };
  return { tone: share >= 0.7 ? "look" : "good", text: `room for ${left.toLocaleString()} more`, share };
}

/** A limit as people read it. */
export function limitText(limit: number | null): string {
  return limit === null ? "no limit" : limit.toLocaleString();
}

/** Rows of the table of plans: what, and what each plan has of it. */
export function compared(plans: Plan[]): { what: string; values: string[] }[] {
  const yes = (has: boolean) => (has ? "yes" : "–");
  const features = plans[0]?.features ?? [];
  return [
    { what: "Devices in all", values: plans.map((one) => limitText(one.devices_per_account)) },
    { what: "Devices in one product", values: plans.map((one) => limitText(one.devices_per_product)) },
    { what: "Devices outside products", values: plans.map((one) => limitText(one.devices_outside_products)) },
    { what: "Firmware over the air", values: plans.map((one) => (one.updates === "device" ? "one device at a time" : "to groups and to all")) },
    { what: "Roles of a team", values: plans.map((one) => one.team_roles.join(", ") || "–") },
    ...features.map((feature) => ({ what: feature.title, values: plans.map((one) => yes(one.features.some((own) => own.feature === feature.feature && own.included))) })),
  ];
}

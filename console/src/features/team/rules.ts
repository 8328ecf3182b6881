import type { ApiUser, Member } from "./queries";

/** The roles that a person can be given, and what each may do in a sentence. */
export const ROLES: [string, string][] = [
  ["Administrator", "everything, with team and settings"],
  ["Developer", "devices, firmware, releases, integrations"],
  ["Support", "looks at everything, calls functions, reads variables"],
  ["View-only", "looks at everything, changes nothing"],
];

/** Whether a member of a team is a program. */
export function isProgram(one: Member | ApiUser): one is ApiUser {
  return "friendly_name" in one;
}

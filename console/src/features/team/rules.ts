import type { ApiUser, Member, TeamEntry } from "./queries";

/** The roles that a person can be given, and what each may do in a sentence. */
export const ROLES: [string, string][] = [
  ["Administrator", "everything, with team and settings"],
  ["Developer", "devices, firmware, releases, integrations"],
  ["Support", "looks at everything, calls functions, reads variables"],
  ["View-only", "looks at everything, changes nothing"],
];

/** Whether one on a team is a program. */
export function isProgram(one: TeamEntry): one is ApiUser {
  return one.is_programmatic;
}

/** Whether one on a team is a person. */
export function isPerson(one: TeamEntry): one is Member {
  return !one.is_programmatic;
}

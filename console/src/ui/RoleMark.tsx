import { useRoleName } from "../state/rights";
import { Chip } from "./Marks";

/** The person's role, where it does not allow everything that people of a team do. */
export function RoleMark() {
  const role = useRoleName();
  if (role === null || role === "Owner" || role === "Administrator") return null;
  return <Chip>{`You are ${role} here`}</Chip>;
}

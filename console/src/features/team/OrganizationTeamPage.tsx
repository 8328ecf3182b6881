import { OrganizationFrame } from "../../organization/Frame";
import { TeamPanel } from "./TeamPanel";

/** The team of an organization; it holds in all its products. */
export default function OrganizationTeamPage() {
  return <OrganizationFrame title="Team">{(one) => <TeamPanel scope={`orgs/${one.slug}`} name={one.name} />}</OrganizationFrame>;
}

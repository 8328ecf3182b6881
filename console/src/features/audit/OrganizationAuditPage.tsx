import { OrganizationFrame } from "../../organization/Frame";
import { AuditPanel } from "./AuditPanel";

/** Who changed what in an organization. */
export default function OrganizationAuditPage() {
  return <OrganizationFrame title="Audit">{(one) => <AuditPanel base={`/v1/orgs/${one.slug}`} />}</OrganizationFrame>;
}

import { OrganizationFrame } from "../../organization/Frame";
import { IntegrationsPanel } from "./IntegrationsPanel";

/** The integrations of an organization. */
export default function OrganizationIntegrationsPage() {
  return <OrganizationFrame title="Integrations">{(one) => <IntegrationsPanel base={`/v1/orgs/${one.slug}`} at={`/organizations/${one.slug}`} />}</OrganizationFrame>;
}

import { useParams } from "wouter";
import { OrganizationFrame } from "../../organization/Frame";
import { IntegrationPanel } from "./IntegrationPanel";

/** One integration of an organization. */
export default function OrganizationIntegrationPage() {
  const { integration = "" } = useParams<{ integration: string }>();
  return <OrganizationFrame title="Integration">{(one) => <IntegrationPanel base={`/v1/orgs/${one.slug}`} at={`/organizations/${one.slug}`} id={integration} />}</OrganizationFrame>;
}

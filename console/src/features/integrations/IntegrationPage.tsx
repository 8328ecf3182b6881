import { useParams } from "wouter";
import { Page } from "../../ui/Page";
import { IntegrationPanel } from "./IntegrationPanel";

/** One integration of the person's own devices. */
export default function IntegrationPage() {
  const { integration = "" } = useParams<{ integration: string }>();
  return <Page title="Integration" crumbs={[{ to: "/integrations", label: "Integrations" }]}><IntegrationPanel base="/v1" at="" id={integration} /></Page>;
}

import { Page } from "../../ui/Page";
import { IntegrationsPanel } from "./IntegrationsPanel";

/** The integrations of the person's own devices. */
export default function IntegrationsPage() {
  return <Page title="Integrations"><IntegrationsPanel base="/v1" at="" /></Page>;
}

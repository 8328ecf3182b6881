import { Dialog } from "../../ui/Dialog";
import type { Base, Integration } from "./queries";
import { WebhookForm } from "./WebhookForm";

/** Changes a webhook. */
export function WebhookDialog({ base, integration, onClose }: { base: Base; integration: Integration; onClose: () => void }) {
  return (
    <Dialog open onClose={onClose} title={`Change ${integration.name}`} wide>
      <WebhookForm base={base} integration={integration} onClose={onClose} onDone={onClose} />
    </Dialog>
  );
}

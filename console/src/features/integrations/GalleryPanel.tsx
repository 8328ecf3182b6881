import { useLocation } from "wouter";
import { useUrlState } from "../../state/url";
import { Button } from "../../ui/Button";
import { Guarded } from "../../ui/Guarded";
import { Chip } from "../../ui/Marks";
import { Card } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { type Base, useTemplates } from "./queries";
import { TemplateForm } from "./TemplateForm";
import { WebhookForm } from "./WebhookForm";

const OWN = "webhook";

/** What can be added: a webhook of one's own making, or one that a template knows how to reach. */
export function GalleryPanel({ base, at }: { base: Base; at: string }) {
  const [url, change] = useUrlState();
  const [, navigate] = useLocation();
  const query = useTemplates();
  const chosen = url.get("from");
  const back = () => change({ from: null });
  const done = (id: string) => navigate(`${at}/integrations/${id}`);
  if (chosen === OWN) {
    return <Guarded needs="integrations:create"><Card title="A webhook of your own"><WebhookForm base={base} integration={null} onClose={back} onDone={done} /></Card></Guarded>;
  }
  return (
    <Loaded query={query} rows={6}>
      {(templates) => {
        const template = templates.find((one) => one.name === chosen);
        if (template) return <Guarded needs="integrations:create"><Card title={template.title}><TemplateForm key={template.name} base={base} template={template} onClose={back} onDone={done} /></Card></Guarded>;
        return (
          <ul className="cards">
            <li><Offer title="A webhook of your own" kind="Webhook" text="A request to any address for each event: method, headers, query and body by templates, signed, retried, kept for looking up." onTake={() => change({ from: OWN })} /></li>
            {templates.map((one) => <li key={one.name}><Offer title={one.title} kind={one.integration_type} text={one.description} onTake={() => change({ from: one.name })} /></li>)}
          </ul>
        );
      }}
    </Loaded>
  );
}

function Offer({ title, kind, text, onTake }: { title: string; kind: string; text: string; onTake: () => void }) {
  return (
    <Card title={title} actions={<Chip>{kind}</Chip>}>
      <div className="stack">
        <p>{text}</p>
        <div className="row"><Button needs="integrations:create" aria-label={`Use it: ${title}`} onClick={onTake}>Use it</Button></div>
      </div>
    </Card>
  );
}

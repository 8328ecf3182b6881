import { useState } from "react";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextArea } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";
import { inWords, PreviewPanel } from "./PreviewPanel";
import { type Base, type Integration, useIntegrationAct } from "./queries";
import { settingsOf } from "./rules";

/** Changes an integration that the form of a webhook does not show in full: all its settings, as JSON. */
export function SettingsDialog({ base, integration, onClose }: { base: Base; integration: Integration; onClose: () => void }) {
  const act = useIntegrationAct(base);
  const [text, setText] = useState(() => JSON.stringify(settingsOf(integration), null, 2));
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const parsed = () => JSON.parse(text) as Record<string, unknown>;
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      await act("PUT", `/${integration.id}`, parsed());
      say("Saved");
      onClose();
    } catch (caught) {
      setError(inWords(caught));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open onClose={onClose} title={`Change ${integration.name}`} wide>
      <TextArea label="Settings" className="input mono" rows={14} spellCheck={false} help="What reads [[SENSITIVE]] stays as it is kept." value={text} onChange={(event) => setText(event.target.value)} />
      <PreviewPanel base={base} id={integration.id} settings={parsed} />
      {error !== null && <ErrorNote error={error} />}
      <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={busy} onClick={() => void save()}>Save</Button></div>
    </Dialog>
  );
}

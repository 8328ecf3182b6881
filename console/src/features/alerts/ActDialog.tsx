import { useState } from "react";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextArea } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";
import { type Alert, type Rule, useAlertActs } from "./queries";

type Props = { product: string; action: "acknowledge" | "resolve"; onClose: () => void } & ({ alert: Alert } | { rule: Rule });

const WORDS = {
  acknowledge: { verb: "Acknowledge", done: "Acknowledged", help: "Others see that somebody looks after it. It stays until the condition ends." },
  resolve: { verb: "Resolve", done: "Resolved", help: "It opens again when the condition begins anew." },
};

/** Acknowledges or resolves one alert, or all of a rule, with a note. */
export function ActDialog(props: Props) {
  const { product, action, onClose } = props;
  const [note, setNote] = useState("alert" in props ? props.alert.note : "");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const acts = useAlertActs(product);
  const { verb, done, help } = WORDS[action];
  const what = "alert" in props ? props.alert.name : `all ${props.rule.live.toLocaleString()} alerts of ${props.rule.name}`;
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      await ("alert" in props ? acts.act(props.alert.id, action, note) : acts.actOnAll(props.rule.id, action, note));
      say(done);
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog open onClose={onClose} title={`${verb} ${what}?`}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <p className="quiet">{help}</p>
        <TextArea label="Note" rows={2} maxLength={1000} help="For others, such as what you found. It may stay empty." value={note} onChange={(event) => setNote(event.target.value)} />
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={busy}>{verb}</Button></div>
      </form>
    </Dialog>
  );
}

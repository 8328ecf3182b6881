import { useState } from "react";
import type { Product } from "../../product/queries";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";
import { useProductDevicesAct } from "./queries";

interface Props {
  product: Product;
  chosen: ReadonlySet<string>;
  onDone: () => void;
}

/** What can be done with the chosen devices. */
export function BulkBar({ product, chosen, onDone }: Props) {
  const [asking, setAsking] = useState<"add" | "remove" | null>(null);
  const act = useProductDevicesAct(product.slug);
  if (chosen.size === 0) return null;
  const mark = async (development: boolean) => {
    await act("PUT", "", { action: "development", devices: [...chosen], metadata: { development } });
    say(`${chosen.size} devices were changed`);
    onDone();
  };
  return (
    <div className="note row" role="region" aria-label="Chosen devices">
      <strong className="grow">{chosen.size.toLocaleString()} chosen</strong>
      <Button needs="devices:update" small onClick={() => setAsking("add")}>Add to a group</Button>
      <Button needs="devices:update" small onClick={() => setAsking("remove")}>Take out of a group</Button>
      <Button needs="devices:update" small onClick={() => void mark(true)}>Mark for development</Button>
      <Button needs="devices:update" small onClick={() => void mark(false)}>Unmark</Button>
      <Button small kind="plain" onClick={onDone}>Choose none</Button>
      {asking && <GroupDialog product={product} devices={[...chosen]} how={asking} onClose={() => setAsking(null)} onDone={onDone} />}
    </div>
  );
}

interface GroupProps {
  product: Product;
  devices: string[];
  how: "add" | "remove";
  onClose: () => void;
  onDone: () => void;
}

function GroupDialog({ product, devices, how, onClose, onDone }: GroupProps) {
  const act = useProductDevicesAct(product.slug);
  const [name, setName] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      await act("PUT", "", { action: "groups", devices, metadata: { [how]: [name] } });
      say(`${devices.length} devices were changed`);
      onClose();
      onDone();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open onClose={onClose} title={how === "add" ? "Add to a group" : "Take out of a group"}>
      <p>{devices.length.toLocaleString()} devices will change. What is released to the group may then reach them.</p>
      <TextField label="Group" list="groups" value={name} onChange={(event) => setName(event.target.value)} help={how === "add" ? "A new name makes a new group." : undefined} />
      <datalist id="groups">{product.groups.map((one) => <option key={one} value={one} label={one} aria-label={one} />)}</datalist>
      {error !== null && <ErrorNote error={error} />}
      <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={busy} disabled={!name} onClick={() => void run()}>Change {devices.length.toLocaleString()} devices</Button></div>
    </Dialog>
  );
}

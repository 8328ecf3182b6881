import { useState } from "react";
import type { Product } from "../../product/queries";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { CheckField, TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";
import { type ProductDevice, useProductDevicesAct } from "./queries";

/** The groups that a device is in. */
export function GroupsDialog({ product, device, onClose }: { product: Product; device: ProductDevice; onClose: () => void }) {
  const act = useProductDevicesAct(product.slug);
  const [groups, setGroups] = useState(device.groups);
  const [extra, setExtra] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const toggle = (name: string) => setGroups((before) => (before.includes(name) ? before.filter((one) => one !== name) : [...before, name]));
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      await act("PUT", `/${device.id}`, { groups: [...groups, ...(extra ? [extra] : [])] });
      say("Saved");
      onClose();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open onClose={onClose} title={`Groups of ${device.name ?? device.id}`}>
      <fieldset className="stack tight">
        <legend>Groups</legend>
        {product.groups.map((name) => <CheckField key={name} label={name} checked={groups.includes(name)} onChange={() => toggle(name)} />)}
      </fieldset>
      <TextField label="A new one" value={extra} onChange={(event) => setExtra(event.target.value.trim())} help="Lower-case letters, digits, - and _." />
      {error !== null && <ErrorNote error={error} />}
      <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={busy} onClick={() => void save()}>Save</Button></div>
    </Dialog>
  );
}

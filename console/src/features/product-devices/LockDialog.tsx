import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../api/client";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { CheckField, SelectField } from "../../ui/Field";
import { ErrorNote, Loaded } from "../../ui/States";
import { say } from "../../ui/Toast";
import { type ProductDevice, useProductDevicesAct } from "./queries";

/** Keeps one device at one version, whatever is released; the way to try a version first. */
export function LockDialog({ product, device, onClose }: { product: string; device: ProductDevice; onClose: () => void }) {
  const act = useProductDevicesAct(product);
  const versions = useQuery({ queryKey: ["firmware", product], queryFn: () => take(api.GET("/v1/products/{product}/firmware", { params: { path: { product } } })) });
  const [version, setVersion] = useState(device.desired_firmware_version === null ? "" : String(device.desired_firmware_version));
  const [flash, setFlash] = useState(device.online);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const lock = async (wanted: number | null) => {
    setBusy(true);
    setError(null);
    try {
      await act("PUT", `/${device.id}`, { desired_firmware_version: wanted, ...(wanted !== null && flash ? { flash: true } : {}) });
      say(wanted === null ? "The lock is gone" : `Locked to version ${wanted}`);
      onClose();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open onClose={onClose} title={`Lock ${device.name ?? device.id} to a version`}>
      {device.development && <p className="note look">It is marked for development, so a lock has no effect until that mark is gone.</p>}
      <Loaded query={versions} rows={1}>
        {(all) => (
          <SelectField label="Version" value={version} onChange={(event) => setVersion(event.target.value)}>
            <option value="">Choose one</option>
            {all.map((one) => <option key={one.version} value={one.version}>{one.version} {one.title}</option>)}
          </SelectField>
        )}
      </Loaded>
      <CheckField label="Flash now" help={device.online ? "Otherwise when it next begins a new session." : "The device is away; it is flashed when it next begins a new session."} checked={flash} disabled={!device.online} onChange={(event) => setFlash(event.target.checked)} />
      {error !== null && <ErrorNote error={error} />}
      <div className="actions">
        {device.desired_firmware_version !== null && <Button busy={busy} onClick={() => void lock(null)}>Unlock</Button>}
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="primary" busy={busy} disabled={!version} onClick={() => void lock(Number(version))}>Lock the device</Button>
      </div>
    </Dialog>
  );
}

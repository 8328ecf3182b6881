import { useState } from "react";
import { ApiError } from "../../api/errors";
import type { Product } from "../../product/queries";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { CheckField, TextField } from "../../ui/Field";
import { ErrorNote, Loaded } from "../../ui/States";
import { say } from "../../ui/Toast";
import { useFirmwareAct, useImpact, type Version } from "./queries";

/** To whom, then who will change, then the release. */
export function ReleaseDialog({ product, version, onClose }: { product: Product; version: Version; onClose: () => void }) {
  const act = useFirmwareAct(product.slug);
  const [groups, setGroups] = useState<string[]>(version.groups);
  const [everybody, setEverybody] = useState(version.product_default);
  const [intelligent, setIntelligent] = useState(false);
  const [checking, setChecking] = useState(false);
  const [reason, setReason] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const impact = useImpact(product.slug, checking ? { version: version.version, groups, product_default: everybody } : null);
  const release = async () => {
    setBusy(true);
    setError(null);
    try {
      await act("PUT", "/release", { version: version.version, groups, product_default: everybody, intelligent, ...(reason ? { override_reason: reason } : {}) });
      say(`Version ${version.version} is released`);
      onClose();
    } catch (caught) {
      setError(caught);
      if (caught instanceof ApiError && caught.code.includes("prove")) setReason("");
    } finally {
      setBusy(false);
    }
  };
  const toggle = (name: string) => setGroups((before) => (before.includes(name) ? before.filter((one) => one !== name) : [...before, name]));
  return (
    <Dialog open onClose={onClose} title={`Release version ${version.version}`}>
      {checking ? (
        <>
          <Loaded query={impact} rows={2}>
            {({ total, by_version }) => (
              <div className="stack tight" role="status">
                <p><strong>{total.toLocaleString()} {total === 1 ? "device" : "devices"}</strong> will change to version {version.version}.</p>
                <ul>{by_version.map((one) => <li key={one.version}>{one.total.toLocaleString()} from {one.version === 0 ? "no product version" : `version ${one.version}`}</li>)}</ul>
                <p className="quiet">{intelligent ? "Those that are online get it now, those that are busy or away later. The health gate watches them." : "Each gets it when it next begins a new session."}</p>
              </div>
            )}
          </Loaded>
          {reason !== null && <TextField label="Why release it unproven?" help="It is kept with the release." value={reason} onChange={(event) => setReason(event.target.value)} />}
          {error !== null && <ErrorNote error={error} />}
          <div className="actions">
            <Button onClick={() => setChecking(false)}>Back</Button>
            <Button kind="primary" busy={busy} disabled={impact.data === undefined} onClick={() => void release()}>Release to {impact.data?.total.toLocaleString() ?? "…"} devices</Button>
          </div>
        </>
      ) : (
        <>
          <fieldset className="stack tight">
            <legend>To whom</legend>
            <CheckField label="All devices that no other rule names (product default)" checked={everybody} onChange={(event) => setEverybody(event.target.checked)} />
            {product.groups.map((name) => <CheckField key={name} label={`Group ${name}`} checked={groups.includes(name)} onChange={() => toggle(name)} />)}
            {product.groups.length === 0 && <p className="quiet">There are no groups yet. With a group for brave customers, a release can begin small.</p>}
          </fieldset>
          <CheckField label="Deliver now (intelligent)" help="Does not wait for devices to begin a new session; stops by itself if they fare worse." checked={intelligent} onChange={(event) => setIntelligent(event.target.checked)} />
          {!version.proven_at && <p className="note look">No device of this product has run this version and come back yet. Lock one device to it first.</p>}
          <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" onClick={() => setChecking(true)}>See who will change</Button></div>
        </>
      )}
    </Dialog>
  );
}

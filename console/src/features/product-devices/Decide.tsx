import { useState } from "react";
import { Button } from "../../ui/Button";
import { say, sayError } from "../../ui/Toast";
import { type ProductDevice, useProductDevicesAct } from "./queries";

/** Lets a device in that waits or was refused, or refuses it. */
export function Decide({ product, device }: { product: string; device: ProductDevice }) {
  const act = useProductDevicesAct(product);
  const [busy, setBusy] = useState(false);
  const decide = async (approve: boolean) => {
    setBusy(true);
    try {
      await (approve ? act("POST", "", { id: device.id }) : act("DELETE", `/${device.id}`, { deny: true }));
      say(approve ? "The device is in" : "The device was denied");
    } catch (error) {
      sayError("Nothing was decided", error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <span className="row">
      <Button needs="devices:import" small busy={busy} onClick={() => void decide(true)}>Approve</Button>
      {!device.denied && <Button needs="devices:remove" small busy={busy} onClick={() => void decide(false)}>Deny</Button>}
    </span>
  );
}

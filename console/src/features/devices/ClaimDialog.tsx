import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { useLocation } from "wouter";
import { ask } from "../../api/client";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { CheckField, TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";

interface Fields {
  id: string;
  request_transfer: boolean;
}

/** Makes a device the person's own. */
export function ClaimDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { register, handleSubmit, formState, reset } = useForm<Fields>();
  const [error, setError] = useState<unknown>(null);
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const close = () => {
    reset();
    setError(null);
    onClose();
  };
  const submit = handleSubmit(async (fields) => {
    setError(null);
    try {
      const answer = await ask("/v1/devices", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(fields) });
      const told = (await answer.json()) as { deviceID?: string; transfer_id?: string };
      await queries.invalidateQueries({ queryKey: ["devices"] });
      say(told.transfer_id ? "Its owner was asked for the device" : "The device is yours");
      close();
      if (told.deviceID) navigate(`/devices/${told.deviceID}`);
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Dialog open={open} onClose={close} title="Claim a device">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="Device ID" help="24 hexadecimal digits, printed on the device. It must be online." className="input mono" autoComplete="off" wrong={formState.errors.id && "A device ID has 24 hexadecimal digits."} {...register("id", { required: true, pattern: /^\s*[0-9a-fA-F]{24}\s*$/, setValueAs: (text: string) => text.trim().toLowerCase() })} />
        <CheckField label="If it is somebody's, ask them for it" help="Its owner gets a letter and decides." {...register("request_transfer")} />
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={close}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>Claim the device</Button></div>
      </form>
    </Dialog>
  );
}

import { useState } from "react";
import { useForm } from "react-hook-form";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextArea, TextField } from "../ui/Field";
import { ErrorNote } from "../ui/States";
import { say } from "../ui/Toast";
import { type Device, type DevicePath, useDeviceAct } from "./queries";

interface Fields {
  name: string;
  notes: string;
}

interface Props {
  device: Device;
  at: DevicePath;
  open: boolean;
  onClose: () => void;
}

/** Changes what people call a device and what they wrote of it. */
export function NameAndNotes({ device, at, open, onClose }: Props) {
  const act = useDeviceAct(at);
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState } = useForm<Fields>({ values: { name: device.name ?? "", notes: device.notes ?? "" } });
  const submit = handleSubmit(async ({ name, notes }) => {
    setError(null);
    const body: Record<string, string | null> = {};
    if (name !== (device.name ?? "")) body.name = name;
    if (notes !== (device.notes ?? "")) body.notes = notes || null;
    try {
      if (Object.keys(body).length > 0) await act.mutateAsync({ method: "PUT", body });
      say("Saved");
      onClose();
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Dialog open={open} onClose={onClose} title="Name and notes">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="Name" autoComplete="off" {...register("name")} />
        <TextArea label="Notes" {...register("notes")} />
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>Save</Button></div>
      </form>
    </Dialog>
  );
}

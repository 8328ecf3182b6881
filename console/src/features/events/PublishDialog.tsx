import { useState } from "react";
import { useForm } from "react-hook-form";
import { ask } from "../../api/client";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextArea, TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";

interface Fields {
  name: string;
  data: string;
}

/** Says something to devices that subscribe, and to everybody who follows. */
export function PublishDialog({ path, open, onClose }: { path: string; open: boolean; onClose: () => void }) {
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState, reset } = useForm<Fields>();
  const submit = handleSubmit(async ({ name, data }) => {
    setError(null);
    try {
      await ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ name, data, private: true }) });
      say(`${name} was published`);
      reset();
      onClose();
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Dialog open={open} onClose={onClose} title="Publish an event">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="Name" autoComplete="off" help="At most 64 bytes; names that begin with spark or particle are the system's." wrong={formState.errors.name && "Give it a name."} {...register("name", { required: true })} />
        <TextArea label="Data" {...register("data")} />
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>Publish</Button></div>
      </form>
    </Dialog>
  );
}

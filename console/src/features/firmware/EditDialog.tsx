import { useState } from "react";
import { useForm } from "react-hook-form";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextArea, TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";
import { useFirmwareAct, type Version } from "./queries";

/** Changes what people read of a version. */
export function EditDialog({ product, version, onClose }: { product: string; version: Version; onClose: () => void }) {
  const act = useFirmwareAct(product);
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState } = useForm({ defaultValues: { title: version.title, description: version.description } });
  const submit = handleSubmit(async (fields) => {
    setError(null);
    try {
      await act("PUT", `/${version.version}`, fields);
      say("Saved");
      onClose();
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Dialog open onClose={onClose} title={`Version ${version.version}`}>
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="Title" {...register("title")} />
        <TextArea label="Description" {...register("description")} />
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>Save</Button></div>
      </form>
    </Dialog>
  );
}

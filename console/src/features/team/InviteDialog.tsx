import { useState } from "react";
import { useForm } from "react-hook-form";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { SelectField, TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";
import { type Scope, useTeamAct } from "./queries";
import { ROLES } from "./rules";

interface Fields {
  username: string;
  role: string;
}

/** Asks a person to join. */
export function InviteDialog({ scope, name, open, onClose }: { scope: Scope; name: string; open: boolean; onClose: () => void }) {
  const act = useTeamAct(scope);
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState, reset } = useForm<Fields>({ defaultValues: { role: "Developer" } });
  const submit = handleSubmit(async (fields) => {
    setError(null);
    try {
      await act("POST", "", fields);
      say(`${fields.username} was invited`);
      reset();
      onClose();
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Dialog open={open} onClose={onClose} title={`Invite to ${name}`}>
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="E-mail address" type="email" help="Somebody without an account here gets a letter with which to open one." wrong={formState.errors.username && "Enter an e-mail address."} {...register("username", { required: true, setValueAs: (text: string) => text.trim() })} />
        <SelectField label="Role" {...register("role")}>{ROLES.map(([role, may]) => <option key={role} value={role}>{role}: {may}</option>)}</SelectField>
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>Send the invitation</Button></div>
      </form>
    </Dialog>
  );
}

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { forget } from "../../state/session";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { Card } from "../../ui/Page";
import { ErrorNote } from "../../ui/States";
import { useAccountAct } from "./queries";

/** Taking one's data along, and leaving. */
export function Leave({ username }: { username: string }) {
  const [open, setOpen] = useState(false);
  return (
    <Card title="Your data">
      <div className="row">
        <a className="button" href="/v1/user/export" download="roadstead-account.json">Download everything</a>
        <Button onClick={() => setOpen(true)}>Delete the account</Button>
      </div>
      <Delete open={open} onClose={() => setOpen(false)} username={username} />
    </Card>
  );
}

function Delete({ open, onClose, username }: { open: boolean; onClose: () => void; username: string }) {
  const act = useAccountAct();
  const queries = useQueryClient();
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState } = useForm<{ password: string }>();
  const submit = handleSubmit(async (fields) => {
    setError(null);
    try {
      await act("DELETE", "/v1/user", fields);
      forget(queries);
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Dialog open={open} onClose={onClose} title="Delete this account?">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <p>{username} and all its sign-ins are deleted; its devices become nobody's. This cannot be taken back.</p>
        <TextField label="Your password" type="password" autoComplete="current-password" wrong={formState.errors.password && "Your password is missing."} {...register("password", { required: true })} />
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="danger" type="submit" busy={formState.isSubmitting}>Delete the account</Button></div>
      </form>
    </Dialog>
  );
}

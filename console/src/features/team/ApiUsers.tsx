import { useState } from "react";
import { useForm } from "react-hook-form";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { CheckField, TextArea, TextField } from "../../ui/Field";
import { Copyable } from "../../ui/Marks";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";
import { type ApiUser, type Scope, useTeamAct } from "./queries";

interface Fields {
  friendly_name: string;
  scopes: string;
}

const COMMON = "devices:list devices:get events:get";

interface Props {
  scope: Scope;
  /** Whom to change; null for a new one. */
  user: ApiUser | null;
  onClose: () => void;
  onToken: (token: string) => void;
}

/** A program's account: its name and what it may do. */
export function ApiUserDialog({ scope, user, onClose, onToken }: Props) {
  const act = useTeamAct(scope);
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState } = useForm<Fields>({ defaultValues: { friendly_name: user?.friendly_name ?? "", scopes: user?.scopes.join(" ") ?? COMMON } });
  const submit = handleSubmit(async ({ friendly_name, scopes }) => {
    setError(null);
    const body = { friendly_name, scopes: scopes.split(/[\s,]+/).filter(Boolean) };
    try {
      const answer = (await (user ? act("PUT", `/${encodeURIComponent(user.username)}`, body) : act("POST", "", body))) as { created?: { tokens: { token: string }[] }; updated?: { tokens: { token: string }[] } };
      const token = (answer.created ?? answer.updated)?.tokens[0]?.token;
      say("Saved");
      onClose();
      if (token) onToken(token);
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Dialog open onClose={onClose} title={user ? `Change ${user.friendly_name}` : "Add an API user"}>
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="Name" autoComplete="off" wrong={formState.errors.friendly_name && "Give it a name."} {...register("friendly_name", { required: true })} />
        <TextArea label="Rights" className="input mono" help={<>One or more, with spaces between them, such as <code>devices:get</code>. {user && "If they change, the old token ends."}</>} wrong={formState.errors.scopes && "Name at least one right."} {...register("scopes", { required: true })} />
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>{user ? "Save" : "Add the API user"}</Button></div>
      </form>
    </Dialog>
  );
}

/** A token, shown once. */
export function TokenDialog({ token, onClose }: { token: string; onClose: () => void }) {
  const [stored, setStored] = useState(false);
  return (
    <Dialog open onClose={() => stored && onClose()} title="Its token">
      <p>It is shown now and never again. Whoever holds it can do what the API user may do.</p>
      <Copyable text={token} what="token" />
      <CheckField label="I have stored it" checked={stored} onChange={(event) => setStored(event.target.checked)} />
      <div className="actions"><Button kind="primary" disabled={!stored} onClick={onClose}>Done</Button></div>
    </Dialog>
  );
}

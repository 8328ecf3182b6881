import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { forget } from "../../state/session";
import { Button } from "../../ui/Button";
import { CheckField, TextField } from "../../ui/Field";
import { Card } from "../../ui/Page";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";
import { useAccountAct } from "./queries";

interface Fields {
  value: string;
  current_password: string;
  invalidate_tokens: boolean;
}

/** By what the person signs in: e-mail address and password. */
export function Credentials({ username }: { username: string }) {
  return (
    <div className="cards">
      <Change title="E-mail address" field="username" label={`New address in place of ${username}`} verb="Change the address" type="email" />
      <Change title="Password" field="password" label="New password" verb="Change the password" type="password" />
    </div>
  );
}

interface ChangeProps {
  title: string;
  field: "username" | "password";
  label: string;
  verb: string;
  type: string;
}

function Change({ title, field, label, verb, type }: ChangeProps) {
  const act = useAccountAct();
  const queries = useQueryClient();
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState, reset } = useForm<Fields>();
  const submit = handleSubmit(async ({ value, current_password, invalidate_tokens }) => {
    setError(null);
    try {
      await act("PUT", "/v1/user", { [field]: value, current_password, invalidate_tokens });
      say(`The ${title.toLowerCase()} was changed`);
      reset();
      if (invalidate_tokens) forget(queries);
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Card title={title}>
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label={label} type={type} autoComplete={type === "password" ? "new-password" : "email"} wrong={formState.errors.value && "This is missing."} {...register("value", { required: true })} />
        <TextField label="Your present password" type="password" autoComplete="current-password" wrong={formState.errors.current_password && "Your present password is missing."} {...register("current_password", { required: true })} />
        <CheckField label="Sign out everywhere" help="Here too; every tool signs in anew." {...register("invalidate_tokens")} />
        {error !== null && <ErrorNote error={error} />}
        <div className="row"><Button type="submit" busy={formState.isSubmitting}>{verb}</Button></div>
      </form>
    </Card>
  );
}

import { useState } from "react";
import { useForm } from "react-hook-form";
import { Link } from "wouter";
import { ask } from "../../api/client";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { Front } from "./Front";

/** Asks for a letter with which a forgotten password is set anew. */
export default function ResetPage() {
  const { register, handleSubmit, formState } = useForm<{ username: string }>();
  const [sent, setSent] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const submit = handleSubmit(async ({ username }) => {
    setError(null);
    try {
      await ask("/v1/user/password-reset", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ username }) });
      setSent(username);
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Front title="Forgot the password?">
      {sent ? (
        <div className="note good" role="status">If {sent} has an account here, a letter with a link is on its way. The link lasts an hour.</div>
      ) : (
        <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
          <TextField label="E-mail address" type="email" autoComplete="username" wrong={formState.errors.username && "Enter your e-mail address."} {...register("username", { required: true })} />
          {error !== null && <ErrorNote error={error} />}
          <Button kind="primary" type="submit" busy={formState.isSubmitting}>Send the letter</Button>
        </form>
      )}
      <p><Link to="/sign-in">Back to signing in</Link></p>
    </Front>
  );
}

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { Link, useLocation, useSearch } from "wouter";
import { ask } from "../../api/client";
import { sessionKey, signIn } from "../../state/session";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { Front } from "./Front";
import { safeNext } from "./SignInPage";

interface Fields {
  username: string;
  password: string;
}

/** A new account, where this server lets people create one. */
export default function SignUpPage() {
  const { register, handleSubmit, formState } = useForm<Fields>();
  const [error, setError] = useState<unknown>(null);
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const search = useSearch();
  const submit = handleSubmit(async (fields) => {
    setError(null);
    try {
      await ask("/v1/users", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(fields) });
      await signIn(fields.username, fields.password);
      await queries.refetchQueries({ queryKey: sessionKey });
      navigate(safeNext(search), { replace: true });
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Front title="Create an account">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="E-mail address" type="email" autoComplete="username" wrong={formState.errors.username && "Enter your e-mail address."} {...register("username", { required: true })} />
        <TextField label="Password" type="password" autoComplete="new-password" help="At least eight characters; longer is better." wrong={formState.errors.password && "Enter at least eight characters."} {...register("password", { required: true, minLength: 8 })} />
        {error !== null && <ErrorNote error={error} />}
        <Button kind="primary" type="submit" busy={formState.isSubmitting}>Create the account</Button>
      </form>
      <p><Link to="/sign-in">Sign in instead</Link></p>
    </Front>
  );
}

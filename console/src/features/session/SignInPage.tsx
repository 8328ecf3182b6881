import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { Link, useLocation, useSearch } from "wouter";
import { ApiError } from "../../api/errors";
import { sessionKey, signIn, signInWithCode } from "../../state/session";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { Front } from "./Front";

interface Fields {
  username: string;
  password: string;
  otp: string;
}

/** Where to go after signing in: a path of this server and nothing else. */
export function safeNext(search: string): string {
  const next = new URLSearchParams(search).get("next") ?? "/home";
  return /^\/(?![/\\])/.test(next) ? next : "/home";
}

/** Signing in by password, and by the code of a second factor where there is one. */
export default function SignInPage() {
  const { register, handleSubmit, formState, setFocus } = useForm<Fields>();
  const [mfaToken, setMfaToken] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const search = useSearch();
  const submit = handleSubmit(async ({ username, password, otp }) => {
    setError(null);
    try {
      if (mfaToken) await signInWithCode(mfaToken, otp.replaceAll(" ", ""));
      else await signIn(username.trim(), password);
      await queries.invalidateQueries({ queryKey: sessionKey });
      await queries.refetchQueries({ queryKey: sessionKey });
      navigate(safeNext(search), { replace: true });
    } catch (caught) {
      const token = caught instanceof ApiError && caught.code === "mfa_required" ? caught.mfaToken : null;
      if (token) {
        setMfaToken(token);
        setTimeout(() => setFocus("otp"));
      } else setError(caught);
    }
  });
  return (
    <Front title={mfaToken ? "Enter your code" : "Sign in"}>
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        {mfaToken ? (
          <TextField label="Code of your second factor" help="From your authenticator app, or one of your recovery codes." inputMode="text" autoComplete="one-time-code" {...register("otp", { required: true })} />
        ) : (
          <>
            <TextField label="E-mail address" type="email" autoComplete="username" wrong={formState.errors.username && "Enter your e-mail address."} {...register("username", { required: true })} />
            <TextField label="Password" type="password" autoComplete="current-password" wrong={formState.errors.password && "Enter your password."} {...register("password", { required: true })} />
          </>
        )}
        {error !== null && <ErrorNote error={error} />}
        <Button kind="primary" type="submit" busy={formState.isSubmitting}>Sign in</Button>
        {mfaToken && <Button kind="plain" onClick={() => setMfaToken(null)}>Start again</Button>}
      </form>
      {!mfaToken && <p className="row"><Link to="/reset">Forgot the password?</Link> <Link to="/sign-up">Create an account</Link></p>}
    </Front>
  );
}

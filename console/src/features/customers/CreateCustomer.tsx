import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm, useWatch } from "react-hook-form";
import { ask } from "../../api/client";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { CheckField, TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";

interface Fields {
  email: string;
  password: string;
  no_password: boolean;
}

/** A customer that signs in by password, or one that your own server stands for. */
export function CreateCustomer({ product, open, onClose }: { product: string; open: boolean; onClose: () => void }) {
  const queries = useQueryClient();
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState, reset, control } = useForm<Fields>();
  const shadow = useWatch({ control, name: "no_password" });
  const submit = handleSubmit(async ({ email, password, no_password }) => {
    setError(null);
    try {
      await ask(`/v1/products/${product}/customers`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(no_password ? { email, no_password } : { email, password }) });
      await queries.invalidateQueries({ queryKey: ["customers", product] });
      say(`${email} is a customer now`);
      reset();
      onClose();
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Dialog open={open} onClose={onClose} title="Create a customer">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="E-mail address" type="email" wrong={formState.errors.email && "Enter an e-mail address."} {...register("email", { required: true })} />
        <CheckField label="Without a password" help="Your own server signs them in and stands for them here." {...register("no_password")} />
        {!shadow && <TextField label="Password" type="password" autoComplete="new-password" wrong={formState.errors.password && "Enter a password."} {...register("password", { required: !shadow })} />}
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>Create the customer</Button></div>
      </form>
    </Dialog>
  );
}

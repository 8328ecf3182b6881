import { useState } from "react";
import { useForm } from "react-hook-form";
import type { components } from "../../api/schema";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Card } from "../../ui/Page";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";
import { useAccountAct } from "./queries";

interface Fields {
  first_name: string;
  last_name: string;
  company_name: string;
}

/** What the person says of themselves. */
export function Profile({ user }: { user: components["schemas"]["UserAnswer"] }) {
  const act = useAccountAct();
  const [error, setError] = useState<unknown>(null);
  const info = user.account_info as Partial<Record<keyof Fields, string>>;
  const { register, handleSubmit, formState } = useForm<Fields>({
    values: { first_name: info.first_name ?? "", last_name: info.last_name ?? "", company_name: info.company_name ?? "" },
  });
  const submit = handleSubmit(async (fields) => {
    setError(null);
    try {
      await act("PUT", "/v1/user", { account_info: { ...user.account_info, ...fields } });
      say("Saved");
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Card title="You">
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <TextField label="First name" autoComplete="given-name" {...register("first_name")} />
        <TextField label="Last name" autoComplete="family-name" {...register("last_name")} />
        <TextField label="Company" autoComplete="organization" {...register("company_name")} />
        {error !== null && <ErrorNote error={error} />}
        <div className="row"><Button type="submit" busy={formState.isSubmitting}>Save</Button></div>
      </form>
    </Card>
  );
}

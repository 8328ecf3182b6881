import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { useLocation } from "wouter";
import { api, ask, take } from "../../api/client";
import { OrganizationFrame } from "../../organization/Frame";
import type { Organization } from "../../organization/queries";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/Dialog";
import { CheckField, TextField } from "../../ui/Field";
import { Guarded } from "../../ui/Guarded";
import { Card } from "../../ui/Page";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";

/** Name and rules of an organization, a new owner, its end. */
export default function OrganizationSettingsPage() {
  return <OrganizationFrame title="Settings">{(one) => <Shown organization={one} />}</OrganizationFrame>;
}

interface Fields {
  name: string;
  mfa_required: boolean;
}

function Shown({ organization }: { organization: Organization }) {
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const [error, setError] = useState<unknown>(null);
  const [ending, setEnding] = useState(false);
  const { register, handleSubmit, formState } = useForm<Fields>({ values: { name: organization.name, mfa_required: organization.mfa_required } });
  const submit = handleSubmit(async (body) => {
    setError(null);
    try {
      await take(api.PUT("/v1/orgs/{org}", { params: { path: { org: organization.slug } }, body }));
      await queries.invalidateQueries({ queryKey: ["organizations"] });
      say("Saved");
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <>
      <Guarded needs="organization:update"><Card title="Name and rules">
        <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
          <TextField label="Name" wrong={formState.errors.name && "Give it a name."} {...register("name", { required: true })} />
          <CheckField label="Require a second factor of everybody" help="Who has none cannot use what belongs to the organization until they set one up." {...register("mfa_required")} />
          {error !== null && <ErrorNote error={error} />}
          <div className="row"><Button kind="primary" type="submit" busy={formState.isSubmitting}>Save</Button></div>
        </form>
      </Card></Guarded>
      <Guarded needs="organization:remove"><NewOwner organization={organization} /></Guarded>
      <Card title="The end of it"><Button needs="organization:remove" onClick={() => setEnding(true)}>Delete the organization</Button></Card>
      <ConfirmDialog open={ending} onClose={() => setEnding(false)} title={`Delete ${organization.name}?`} verb="Delete the organization" typed={organization.slug} act={async () => {
        await ask(`/v1/orgs/${organization.slug}`, { method: "DELETE" });
        await queries.invalidateQueries({ queryKey: ["organizations"] });
        navigate("/organizations");
      }}>
        <p>Its team loses access. It must have no products left.</p>
      </ConfirmDialog>
    </>
  );
}

function NewOwner({ organization }: { organization: Organization }) {
  const queries = useQueryClient();
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState, reset } = useForm<{ username: string }>();
  const submit = handleSubmit(async (body) => {
    setError(null);
    try {
      await take(api.PUT("/v1/orgs/{org}/owner", { params: { path: { org: organization.slug } }, body }));
      await queries.invalidateQueries({ queryKey: ["organizations"] });
      reset();
      say(`${body.username} owns the organization now`);
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Card title="Owner">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="New owner" type="email" help="A member of the team. Only the owner can hand it over." wrong={formState.errors.username && "Enter the e-mail address of a member."} {...register("username", { required: true })} />
        {error !== null && <ErrorNote error={error} />}
        <div className="row"><Button type="submit" busy={formState.isSubmitting}>Hand it over</Button></div>
      </form>
    </Card>
  );
}

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { Link, useLocation } from "wouter";
import { api, take } from "../../api/client";
import { useOrganizations } from "../../organization/queries";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { Page } from "../../ui/Page";
import { Empty, ErrorNote, Loaded } from "../../ui/States";
import { Table } from "../../ui/Table";

/** The organizations on whose team the person is. */
export default function OrganizationsPage() {
  const query = useOrganizations();
  const [creating, setCreating] = useState(false);
  const create = <Button kind="primary" onClick={() => setCreating(true)}>Create an organization</Button>;
  return (
    <Page title="Organizations" actions={create}>
      <CreateDialog open={creating} onClose={() => setCreating(false)} />
      <Loaded query={query} rows={3}>
        {(all) => all.length === 0 ? (
          <Empty title="You are in no organization"><p className="quiet">An organization holds several products, and a team whose roles hold in all of them.</p></Empty>
        ) : (
          <Table label="Organizations" rows={all} rowKey={(one) => one.id} columns={[
            { key: "name", title: "Organization", cell: (one) => <Link to={`/organizations/${one.slug}`}>{one.name}</Link> },
            { key: "slug", title: "Address name", cell: (one) => <code>{one.slug}</code> },
          ]} />
        )}
      </Loaded>
    </Page>
  );
}

function CreateDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { register, handleSubmit, formState, reset } = useForm<{ name: string }>();
  const [error, setError] = useState<unknown>(null);
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const submit = handleSubmit(async ({ name }) => {
    setError(null);
    try {
      const made = await take(api.POST("/v1/orgs", { body: { name } }));
      await queries.invalidateQueries({ queryKey: ["organizations"] });
      reset();
      onClose();
      navigate(`/organizations/${made.organization.slug}`);
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Dialog open={open} onClose={onClose} title="Create an organization">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="Name" autoComplete="organization" wrong={formState.errors.name && "Give it a name."} {...register("name", { required: true })} />
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>Create the organization</Button></div>
      </form>
    </Dialog>
  );
}

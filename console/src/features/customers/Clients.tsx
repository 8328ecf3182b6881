import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm, useWatch } from "react-hook-form";
import { api, ask, take } from "../../api/client";
import type { components } from "../../api/schema";
import type { Product } from "../../product/queries";
import { Button } from "../../ui/Button";
import { ConfirmDialog, Dialog } from "../../ui/Dialog";
import { CheckField, SelectField, TextField } from "../../ui/Field";
import { Copyable } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { Card } from "../../ui/Page";
import { ErrorNote, Loaded } from "../../ui/States";
import { Table } from "../../ui/Table";
import { say } from "../../ui/Toast";

type Client = components["schemas"]["ClientDocument"];

/** The apps and servers that sign customers in. */
export function Clients({ product }: { product: Product }) {
  const queries = useQueryClient();
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<Client | null>(null);
  const [leaving, setLeaving] = useState<Client | null>(null);
  const query = useQuery({ queryKey: ["clients", product.slug], queryFn: async () => (await take(api.GET("/v1/products/{product}/clients", { params: { path: { product: product.slug } } }))).clients });
  const refresh = () => queries.invalidateQueries({ queryKey: ["clients", product.slug] });
  return (
    <Card title="OAuth clients" actions={<Button needs="clients:create" onClick={() => setCreating(true)}>Create a client</Button>}>
      <Loaded query={query} rows={2}>
        {(all) => all.length === 0 ? <p className="quiet">An app or a server that signs customers in needs a client here: its name, and what it may do.</p> : (
          <Table label="OAuth clients" rows={all} rowKey={(one) => one.id} columns={[
            { key: "name", title: "Client", cell: (one) => one.name },
            { key: "id", title: "ID", cell: (one) => <Copyable text={one.id} what="client ID" /> },
            { key: "type", title: "Kind", minor: true, cell: (one) => one.type },
            { key: "scope", title: "May", minor: true, cell: (one) => one.scope ?? "–" },
            { key: "act", title: "", cell: (one) => <Menu label={`Actions for ${one.name}`} items={[{ label: "Delete", needs: "clients:remove", danger: true, act: () => setLeaving(one) }]} /> },
          ]} />
        )}
      </Loaded>
      {creating && <CreateClient product={product.slug} onClose={() => setCreating(false)} onMade={(client) => {
        void refresh();
        setMade(client);
      }} />}
      {made && <Secret client={made} onClose={() => setMade(null)} />}
      {leaving && (
        <ConfirmDialog open onClose={() => setLeaving(null)} title={`Delete ${leaving.name}?`} verb="Delete the client" act={async () => {
          await ask(`/v1/products/${product.slug}/clients/${leaving.id}`, { method: "DELETE" });
          await refresh();
          say("The client was deleted");
        }}>
          <p>Apps that use it cannot sign anybody in any more.</p>
        </ConfirmDialog>
      )}
    </Card>
  );
}

interface Fields {
  name: string;
  kind: "server" | "mobile" | "web";
  redirect_uri: string;
}

function CreateClient({ product, onClose, onMade }: { product: string; onClose: () => void; onMade: (client: Client) => void }) {
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState, control } = useForm<Fields>({ defaultValues: { kind: "server" } });
  const kind = useWatch({ control, name: "kind" });
  const submit = handleSubmit(async (fields) => {
    setError(null);
    const body = {
      name: fields.name,
      type: fields.kind === "web" ? "web" : "installed",
      ...(fields.kind === "web" ? { redirect_uri: fields.redirect_uri } : {}),
      ...(fields.kind === "server" ? {} : { scope: "customers:create" }),
    };
    try {
      const answer = await ask(`/v1/products/${product}/clients`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
      onMade(((await answer.json()) as components["schemas"]["ClientAnswer"]).client);
      onClose();
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Dialog open onClose={onClose} title="Create an OAuth client">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="Name" autoComplete="off" wrong={formState.errors.name && "Give it a name."} {...register("name", { required: true })} />
        <SelectField label="What it is" {...register("kind")}>
          <option value="server">Your own server (two-legged; may do everything in the product)</option>
          <option value="mobile">A mobile app (may create customers)</option>
          <option value="web">A web app (may create customers, with a redirect)</option>
        </SelectField>
        {kind === "web" && <TextField label="Redirect address" type="url" wrong={formState.errors.redirect_uri && "Enter where it takes people back."} {...register("redirect_uri", { required: kind === "web" })} />}
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>Create the client</Button></div>
      </form>
    </Dialog>
  );
}

function Secret({ client, onClose }: { client: Client; onClose: () => void }) {
  const [stored, setStored] = useState(false);
  return (
    <Dialog open onClose={() => stored && onClose()} title={`Secret of ${client.name}`}>
      <p>It is shown now and never again. Never put it into an app that people install.</p>
      <p>ID <Copyable text={client.id} what="client ID" /></p>
      <p>Secret <Copyable text={client.secret ?? ""} what="secret" /></p>
      <CheckField label="I have stored it" checked={stored} onChange={(event) => setStored(event.target.checked)} />
      <div className="actions"><Button kind="primary" disabled={!stored} onClick={onClose}>Done</Button></div>
    </Dialog>
  );
}

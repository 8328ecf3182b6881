import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { Link } from "wouter";
import { ask } from "../../api/client";
import type { components } from "../../api/schema";
import { ProductFrame } from "../../product/Frame";
import type { Product } from "../../product/queries";
import { Button } from "../../ui/Button";
import { ConfirmDialog, Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { Menu } from "../../ui/Menu";
import { Empty, ErrorNote, Loaded } from "../../ui/States";
import { Table } from "../../ui/Table";
import { say } from "../../ui/Toast";

type Group = components["schemas"]["GroupDocument"];

/** The parts of a fleet that get releases of their own. */
export default function GroupsPage() {
  const [editing, setEditing] = useState<Group | "new" | null>(null);
  return (
    <ProductFrame title="Groups" actions={() => <Button needs="groups:create" kind="primary" onClick={() => setEditing("new")}>Create a group</Button>}>
      {(product) => <Groups product={product} editing={editing} onEdit={setEditing} />}
    </ProductFrame>
  );
}

interface Props {
  product: Product;
  editing: Group | "new" | null;
  onEdit: (group: Group | "new" | null) => void;
}

function Groups({ product, editing, onEdit }: Props) {
  const queries = useQueryClient();
  const [leaving, setLeaving] = useState<Group | null>(null);
  const query = useQuery({
    queryKey: ["groups", product.slug],
    queryFn: async () => ((await (await ask(`/v1/products/${product.slug}/groups`)).json()) as components["schemas"]["GroupsAnswer"]).groups,
  });
  const refresh = () => {
    for (const key of ["groups", "products", "devices"]) void queries.invalidateQueries({ queryKey: [key] });
  };
  return (
    <>
      <Loaded query={query} rows={4}>
        {(groups) => groups.length === 0 ? (
          <Empty title="There are no groups yet"><p className="quiet">A group gets firmware before or instead of the others: beta testers, a country, one customer. A device may be in several; the highest version that is released to any of them counts.</p></Empty>
        ) : (
          <Table label="Groups" rows={groups} rowKey={(one) => one.name} columns={[
            { key: "name", title: "Group", cell: (one) => <Link to={`/products/${product.slug}/devices?groups=${one.name}`}>{one.name}</Link> },
            { key: "description", title: "Description", minor: true, cell: (one) => one.description || "–" },
            { key: "devices", title: "Devices", num: true, cell: (one) => one.device_count.toLocaleString() },
            { key: "version", title: "Released to it", num: true, cell: (one) => one.fw_version ?? "–" },
            { key: "act", title: "", cell: (one) => <Menu label={`Actions for ${one.name}`} items={[{ label: "Edit", needs: "groups:update", act: () => onEdit(one) }, { label: "Delete", needs: "groups:remove", danger: true, act: () => setLeaving(one) }]} /> },
          ]} />
        )}
      </Loaded>
      {editing && <GroupDialog product={product.slug} group={editing === "new" ? null : editing} onClose={() => onEdit(null)} onDone={refresh} />}
      {leaving && (
        <ConfirmDialog open onClose={() => setLeaving(null)} title={`Delete ${leaving.name}?`} verb="Delete the group" act={async () => {
          await ask(`/v1/products/${product.slug}/groups/${leaving.name}`, { method: "DELETE" });
          refresh();
          say("The group was deleted");
        }}>
          <p>{leaving.device_count.toLocaleString()} devices leave it{leaving.fw_version !== null && `, and version ${leaving.fw_version} is no longer released to them by it; they may get another version`}.</p>
        </ConfirmDialog>
      )}
    </>
  );
}

function GroupDialog({ product, group, onClose, onDone }: { product: string; group: Group | null; onClose: () => void; onDone: () => void }) {
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState } = useForm({ defaultValues: { name: group?.name ?? "", description: group?.description ?? "" } });
  const submit = handleSubmit(async (fields) => {
    setError(null);
    try {
      await ask(`/v1/products/${product}/groups${group ? `/${group.name}` : ""}`, { method: group ? "PUT" : "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(fields) });
      onDone();
      say("Saved");
      onClose();
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Dialog open onClose={onClose} title={group ? `Group ${group.name}` : "Create a group"}>
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="Name" autoComplete="off" help="Lower-case letters, digits, - and _." wrong={formState.errors.name && "Lower-case letters, digits, - and _, at most 64."} {...register("name", { required: true, pattern: /^[a-z0-9_-]{1,64}$/ })} />
        <TextField label="Description" {...register("description")} />
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>{group ? "Save" : "Create the group"}</Button></div>
      </form>
    </Dialog>
  );
}

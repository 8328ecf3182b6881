import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { useLocation } from "wouter";
import { ask } from "../../api/client";
import { ProductFrame } from "../../product/Frame";
import type { Product } from "../../product/queries";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/Dialog";
import { CheckField, SelectField, TextArea, TextField } from "../../ui/Field";
import { Guarded } from "../../ui/Guarded";
import { Card } from "../../ui/Page";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";
import { Move } from "./Move";

/** What a product is and which rules hold in it. */
export default function ProductSettingsPage() {
  return (
    <ProductFrame title="Settings">
      {(product) => (
        <>
          <Guarded needs="products:update"><Rules product={product} /></Guarded>
          <Guarded needs="products:move"><Move product={product} /></Guarded>
          <End product={product} />
        </>
      )}
    </ProductFrame>
  );
}

interface Fields {
  name: string;
  description: string;
  quarantine: string;
  trust_first_key: boolean;
  release_requires_proof: boolean;
}

function Rules({ product }: { product: Product }) {
  const queries = useQueryClient();
  const [error, setError] = useState<unknown>(null);
  const settings = product.settings as unknown as Record<string, unknown>;
  const automatic = settings.quarantine === false || settings.quarantine === "automatic";
  const { register, handleSubmit, formState } = useForm<Fields>({
    values: { name: product.name, description: product.description, quarantine: automatic ? "automatic" : "manual", trust_first_key: settings.trust_first_key === true, release_requires_proof: settings.release_requires_proof !== false },
  });
  const submit = handleSubmit(async ({ name, description, ...rules }) => {
    setError(null);
    const quarantine = typeof settings.quarantine === "boolean" ? rules.quarantine === "manual" : rules.quarantine;
    try {
      await ask(`/v1/products/${product.slug}`, { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ product: { name, description, settings: { ...rules, quarantine } } }) });
      await queries.invalidateQueries({ queryKey: ["products"] });
      say("Saved");
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Card title="Name and rules">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="Name" wrong={formState.errors.name && "Give it a name."} {...register("name", { required: true })} />
        <TextArea label="Description" {...register("description")} />
        <SelectField label="Devices that name this product but were not imported" help="Automatic approval lets anybody put devices into your product, and onto your bill." {...register("quarantine")}>
          <option value="manual">wait in quarantine until somebody approves them</option>
          <option value="automatic">are approved if nobody or somebody of the team owns them</option>
        </SelectField>
        <CheckField label="Trust the first key that an imported device shows" help="For devices whose public keys you do not have. Whoever connects first with that ID is believed." {...register("trust_first_key")} />
        <CheckField label="Release only what ran on a device that came back" help="Keeps you from sending everybody a version that does not even start." {...register("release_requires_proof")} />
        {error !== null && <ErrorNote error={error} />}
        <div className="row"><Button kind="primary" type="submit" busy={formState.isSubmitting}>Save</Button></div>
      </form>
    </Card>
  );
}

function End({ product }: { product: Product }) {
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const [open, setOpen] = useState(false);
  return (
    <Card title="The end of it">
      <Button needs="products:remove" onClick={() => setOpen(true)}>Delete the product</Button>
      <ConfirmDialog open={open} onClose={() => setOpen(false)} title={`Delete ${product.name}?`} verb="Delete the product" typed={product.slug} act={async () => {
        await ask(`/v1/products/${product.slug}${product.device_count > 0 ? "?remove_devices=true" : ""}`, { method: "DELETE" });
        await queries.invalidateQueries({ queryKey: ["products"] });
        navigate("/products");
      }}>
        <p>Its firmware, groups, integrations and team are deleted, and <strong>{product.device_count.toLocaleString()} devices</strong> belong to no product any more. This cannot be taken back.</p>
      </ConfirmDialog>
    </Card>
  );
}

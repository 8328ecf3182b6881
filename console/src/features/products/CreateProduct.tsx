import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { useLocation } from "wouter";
import { api, take } from "../../api/client";
import { productKeys } from "../../product/queries";
import { BOARDS } from "../../state/boards";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { SelectField, TextArea, TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";

interface Fields {
  name: string;
  description: string;
  platform_id: string;
  id: string;
}

/** A new fleet. */
export function CreateProduct({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { register, handleSubmit, formState, reset } = useForm<Fields>({ defaultValues: { platform_id: "13" } });
  const [error, setError] = useState<unknown>(null);
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const close = () => {
    reset();
    setError(null);
    onClose();
  };
  const submit = handleSubmit(async ({ name, description, platform_id, id }) => {
    setError(null);
    const product = { name: name.trim(), description, platform_id: Number(platform_id), ...(id ? { id: Number(id) } : {}) };
    try {
      const made = await take(api.POST("/v1/user/products", { body: { product } }));
      await queries.invalidateQueries({ queryKey: productKeys.all });
      close();
      navigate(`/products/${made.product.slug}`);
    } catch (caught) {
      setError(caught);
    }
  });
  const wrongId = formState.errors.id && "A number from 1 to 65535.";
  return (
    <Dialog open={open} onClose={close} title="Create a product">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="Name" autoComplete="off" wrong={formState.errors.name && "Give it a name."} {...register("name", { required: true })} />
        <TextArea label="Description" {...register("description")} />
        <SelectField label="Board" help="All devices of a product are of one kind." {...register("platform_id")}>
          {BOARDS.map(([id, name]) => <option key={id} value={id}>{name}</option>)}
        </SelectField>
        <TextField label="Number" help="Only if your firmware already names one; otherwise leave it empty." inputMode="numeric" wrong={wrongId} {...register("id", { validate: (text) => text === "" || (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) })} />
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={close}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>Create the product</Button></div>
      </form>
    </Dialog>
  );
}

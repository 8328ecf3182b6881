import { useQueryClient } from "@tanstack/react-query";
import { type DragEvent, useId, useState } from "react";
import { useForm } from "react-hook-form";
import type { Product } from "../../product/queries";
import { platformName } from "../../state/boards";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextArea, TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";
import { firmwareKeys, upload } from "./queries";
import { formatBytes } from "./rules";

interface Fields {
  version: string;
  title: string;
  description: string;
}

interface Props {
  product: Product;
  open: boolean;
  /** Proposed as the version. */
  next: number;
  onClose: () => void;
}

/** A new version: its file, dropped or chosen, and what it is. */
export function UploadDialog({ product, open, next, onClose }: Props) {
  const queries = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [share, setShare] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState, reset } = useForm<Fields>({ values: { version: String(next), title: "", description: "" } });
  const close = () => {
    reset();
    setFile(null);
    setError(null);
    setShare(null);
    onClose();
  };
  const submit = handleSubmit(async (fields) => {
    if (!file) {
      setError(new Error("Choose the file first: a .bin, or a .zip with assets."));
      return;
    }
    setError(null);
    setShare(0);
    try {
      await upload(product.slug, { ...fields, file }, setShare);
      await queries.invalidateQueries({ queryKey: firmwareKeys.all(product.slug) });
      say(`Version ${fields.version} is there`);
      close();
    } catch (caught) {
      setError(caught);
      setShare(null);
    }
  });
  return (
    <Dialog open={open} onClose={close} title="Upload a version">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <Drop file={file} onFile={setFile} board={platformName(product.platform_id)} />
        <TextField label="Version" inputMode="numeric" help="The one that is compiled into the file; the server compares the two." wrong={formState.errors.version && "A number from 1 to 65535."} {...register("version", { required: true, pattern: /^\d{1,5}$/ })} />
        <TextField label="Title" autoComplete="off" {...register("title")} />
        <TextArea label="Description" {...register("description")} />
        {share !== null && <progress value={share} max={1} aria-label="Uploaded" className="input" />}
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={close}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>Upload the version</Button></div>
      </form>
    </Dialog>
  );
}

function Drop({ file, onFile, board }: { file: File | null; onFile: (file: File | null) => void; board: string }) {
  const id = useId();
  const drop = (event: DragEvent) => {
    event.preventDefault();
    onFile(event.dataTransfer.files[0] ?? null);
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- dropping is a second way; the input is the first
    <div className="note stack tight" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <label htmlFor={id}><strong>File</strong> <span className="quiet">A .bin for {board}, or a .zip of it with its assets. Drop it here, or choose it.</span></label>
      <input id={id} type="file" accept=".bin,.zip" onChange={(event) => onFile(event.target.files?.[0] ?? null)} />
      {file && <span role="status">{file.name}, {formatBytes(file.size)}</span>}
    </div>
  );
}

import { useState } from "react";
import { useForm } from "react-hook-form";
import type { components } from "../../api/schema";
import type { Product } from "../../product/queries";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { CheckField, TextArea, TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";
import { Outcome } from "./Outcome";
import { useProductDevicesAct } from "./queries";

interface Fields {
  lines: string;
  claim_user: string;
  groups: string;
  move: boolean;
}

type Result = components["schemas"]["ImportAnswer"];

/** Brings devices in by their ids: typed, pasted, or as a file of up to a million lines. */
export function ImportDialog({ product, open, onClose }: { product: Product; open: boolean; onClose: () => void }) {
  const act = useProductDevicesAct(product.slug);
  const [file, setFile] = useState<File | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [result, setResult] = useState<Result | null>(null);
  const { register, handleSubmit, formState, reset } = useForm<Fields>();
  const close = () => {
    reset();
    setFile(null);
    setError(null);
    setResult(null);
    onClose();
  };
  const submit = handleSubmit(async ({ lines, claim_user, groups, move }) => {
    setError(null);
    const form = new FormData();
    if (claim_user) form.append("claim_user", claim_user);
    if (groups) form.append("groups", groups);
    if (move) form.append("move", "true");
    // Fields come before the file, so that the server knows them when the lines arrive.
    form.append("file", file ?? new Blob([lines], { type: "text/plain" }), file?.name ?? "typed.txt");
    try {
      const answer = await act("POST", file && file.size > 200_000 ? "?async=true" : "", form);
      if ("updatedDeviceIds" in (answer as object)) setResult(answer as Result);
      else {
        say("The import runs; its progress is on the page");
        close();
      }
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Dialog open={open} onClose={close} title="Import devices" wide>
      {result ? (
        <>
          <Outcome result={result} />
          <div className="actions"><Button onClick={() => setResult(null)}>Import more</Button><Button kind="primary" onClick={close}>Done</Button></div>
        </>
      ) : (
        <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
          <TextArea label="Devices, one in each line" className="input mono" rows={6} help="Device ID, serial number, IMEI or ICCID. Lines that begin with # are comments." {...register("lines")} />
          <TextField label="Or a file of them" type="file" accept=".txt,.csv,text/*" onChange={(event) => setFile(event.target.files?.[0] ?? null)} help="Up to a million lines. A long one runs by itself; you may leave the page." />
          <TextField label="Groups that all of them join" autoComplete="off" help="With commas between them; optional." {...register("groups")} />
          <TextField label="Owner of those that nobody owns" type="email" help="Somebody of the team; optional." {...register("claim_user")} />
          <CheckField label="Take devices out of my other products" {...register("move")} />
          {error !== null && <ErrorNote error={error} />}
          <div className="actions"><Button onClick={close}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>Import the devices</Button></div>
        </form>
      )}
    </Dialog>
  );
}

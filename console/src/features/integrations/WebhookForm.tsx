import { useState } from "react";
import { useForm, useWatch } from "react-hook-form";
import { Button } from "../../ui/Button";
import { CheckField, SelectField, TextArea, TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";
import { type Base, type Integration, useIntegrationAct } from "./queries";
import { inWords, PreviewPanel } from "./PreviewPanel";
import { fieldsOf, webhookOf, type WebhookFields } from "./rules";

interface Props {
  base: Base;
  /** What to change; null for a new one. */
  integration: Integration | null;
  onClose: () => void;
  /** Called with the id of what was made or changed. */
  onDone: (id: string) => void;
}

/** Builds a webhook: which events, where to, what is sent; and shows the request before anything is. */
export function WebhookForm({ base, integration, onClose, onDone }: Props) {
  const act = useIntegrationAct(base);
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState, control, getValues } = useForm<WebhookFields>({ defaultValues: fieldsOf(integration) });
  const encoding = useWatch({ control, name: "encoding" });
  const submit = handleSubmit(async (fields) => {
    setError(null);
    try {
      const hook = webhookOf(fields);
      const made = (await (integration ? act("PUT", `/${integration.id}`, hook) : act("POST", "", hook))) as { id?: string };
      say("Saved");
      onDone(integration?.id ?? made.id ?? "");
    } catch (caught) {
      setError(inWords(caught));
    }
  });
  return (
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField label="Events whose names begin with" className="input mono" autoComplete="off" wrong={formState.errors.event && "Say which events."} {...register("event", { required: true })} />
        <TextField label="Address" className="input mono" type="url" autoComplete="off" help="Like every field here it may hold templates, such as {{PARTICLE_DEVICE_ID}}." wrong={formState.errors.url && "Enter the address."} {...register("url", { required: true })} />
        <TextField label="Name" autoComplete="off" help="Made from event and address if it is left empty." {...register("name")} />
        <SelectField label="Method" {...register("requestType")}>{["POST", "PUT", "GET", "DELETE"].map((one) => <option key={one}>{one}</option>)}</SelectField>
        <SelectField label="Body" {...register("encoding")}>
          <option value="default">The usual fields as a form: event, data, coreid, published_at</option>
          <option value="json">JSON from a template</option>
          <option value="form">A form of your own fields</option>
          <option value="body">Text from a template</option>
        </SelectField>
        {encoding !== "default" && <TextArea label={encoding === "form" ? "Fields, as a JSON object" : "Template"} className="input mono" rows={5} help={<>Known: {"{{{PARTICLE_EVENT_VALUE}}}"}, {"{{PARTICLE_DEVICE_ID}}"}, {"{{PARTICLE_PUBLISHED_AT}}"}, and the fields of JSON data.</>} {...register("payload")} />}
        <details>
          <summary>Headers, query, sign-in, response</summary>
          <div className="stack">
            <TextArea label="Headers, as a JSON object" className="input mono" rows={2} {...register("headers")} />
            <TextArea label="Query, as a JSON object" className="input mono" rows={2} {...register("query")} />
            <TextField label="User name" autoComplete="off" {...register("username")} />
            <TextField label="Password" type="password" autoComplete="new-password" {...register("password")} />
            <TextArea label="Response template" className="input mono" rows={2} {...register("responseTemplate")} />
            <TextField label="Response topic" className="input mono" {...register("responseTopic")} />
            <CheckField label="Leave the usual fields out" {...register("noDefaults")} />
            <CheckField label="Refuse certificates that are not trusted" {...register("rejectUnauthorized")} />
          </div>
        </details>
        <CheckField label="Disabled" {...register("disabled")} />
        <PreviewPanel base={base} id={integration?.id ?? null} settings={() => webhookOf(getValues())} />
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>{integration ? "Save" : "Create the webhook"}</Button></div>
      </form>
  );
}

import { useState } from "react";
import { useForm } from "react-hook-form";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";
import { PreviewPanel } from "./PreviewPanel";
import { type Base, type Template, useIntegrationAct } from "./queries";
import { isSecret } from "./rules";

interface Props {
  base: Base;
  template: Template;
  onClose: () => void;
  onDone: (id: string) => void;
}

interface Fields {
  event: string;
  name: string;
  parameters: Record<string, string>;
}

/** Asks what a template needs, shows the request, and makes the integration. */
export function TemplateForm({ base, template, onClose, onDone }: Props) {
  const act = useIntegrationAct(base);
  const [error, setError] = useState<unknown>(null);
  const defaults = Object.fromEntries(Object.entries(template.parameters).map(([name, one]) => [name, one.default ?? ""]));
  const { register, handleSubmit, formState, getValues } = useForm<Fields>({ defaultValues: { event: "", name: "", parameters: defaults } });
  const settings = ({ event, name, parameters }: Fields): Record<string, unknown> => ({ template: template.name, event, ...(name ? { name } : {}), parameters });
  const submit = handleSubmit(async (fields) => {
    setError(null);
    try {
      const made = (await act("POST", "", settings(fields))) as { id: string };
      say("It is there; events that come now are sent");
      onDone(made.id);
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
      <p className="quiet">{template.description}</p>
      <TextField label="Events whose names begin with" className="input mono" autoComplete="off" wrong={formState.errors.event && "Say which events."} {...register("event", { required: true })} />
      {Object.entries(template.parameters).map(([name, one]) => (
        <TextField key={name} label={name.replaceAll("_", " ")} className="input mono" type={isSecret(name) ? "password" : "text"} autoComplete={isSecret(name) ? "new-password" : "off"} help={one.meaning} wrong={formState.errors.parameters?.[name] && "It is needed."} {...register(`parameters.${name}`, { required: one.default === null })} />
      ))}
      <TextField label="Name" autoComplete="off" help="Made from event and address if it is left empty." {...register("name")} />
      <PreviewPanel base={base} id={null} settings={() => settings(getValues())} />
      {error !== null && <ErrorNote error={error} />}
      <div className="row"><Button onClick={onClose}>Back to the gallery</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>Create the integration</Button></div>
    </form>
  );
}

import { type Control, type FieldErrors, type UseFormRegister, useWatch } from "react-hook-form";
import { CheckField, SelectField, TextField } from "../../ui/Field";
import type { Fields } from "./rules";

interface Props {
  register: UseFormRegister<Fields>;
  control: Control<Fields>;
  errors: FieldErrors<Fields>;
}

const MINUTES = /^\d+(\.\d+)?$/;

/** Who is told, how much it matters, and how many alerts make one notice. */
export function WhoFields({ register, control, errors }: Props) {
  const own = useWatch({ control, name: "own" });
  return (
    <>
      <SelectField label="Severity" {...register("severity")}>
        <option value="info">Info</option>
        <option value="warning">Warning</option>
        <option value="critical">Critical</option>
      </SelectField>
      <CheckField label="Tell others than the product's owner and administrators" help="Without this, the product's own settings for notices hold." {...register("own")} />
      {own && (
        <div className="stack">
          <TextField label="Letters to" autoComplete="off" help="E-mail addresses of people who may see the product." {...register("mail")} />
          <TextField label="Webhook" type="url" autoComplete="off" help="Gets a signed request for each notice." {...register("webhook")} />
          <div className="row">
            <TextField label="No letters from" type="time" {...register("quiet_begin")} />
            <TextField label="until" type="time" {...register("quiet_end")} />
            <TextField label="Time zone" autoComplete="off" {...register("quiet_zone")} />
          </div>
        </div>
      )}
      <details className="stack">
        <summary>How many notices</summary>
        <div className="stack">
          <TextField label="Alerts within so many minutes make one notice" inputMode="decimal" wrong={errors.group_minutes && "A number of minutes, up to 60."} {...register("group_minutes", { required: true, pattern: MINUTES })} />
          <TextField label="Resolved after so many minutes without it" inputMode="decimal" wrong={errors.clear_minutes && "A number of minutes."} {...register("clear_minutes", { required: true, pattern: MINUTES })} />
          <CheckField label="Tell the end, too" {...register("tell_resolved")} />
        </div>
      </details>
    </>
  );
}

import type { FieldErrors, UseFormRegister } from "react-hook-form";
import { CheckField, TextField } from "../../ui/Field";
import { parseStages } from "./rules";

export interface Fields {
  version: string;
  groups: string[];
  filter: string;
  stages: string;
  holdback: string;
  soak_h: string;
  gate: boolean;
  rollback: boolean;
  approval: boolean;
  force: boolean;
  devices_per_minute: string;
  window_start: string;
  window_end: string;
  time_zone: string;
  override_reason: string;
}

/** The policy that the fields ask for; what is empty is left to the server. */
export function policyOf(fields: Fields): Record<string, unknown> {
  const stages = parseStages(fields.stages);
  return {
    soak_h: Number(fields.soak_h),
    gate: fields.gate,
    rollback: fields.rollback,
    approval: fields.approval,
    consent: fields.force ? "force" : "device",
    ...(stages.length > 0 ? { stages } : {}),
    ...(fields.holdback.trim() ? { holdback: fields.holdback.trim() } : {}),
    ...(fields.devices_per_minute ? { devices_per_minute: Number(fields.devices_per_minute) } : {}),
    ...(fields.window_start && fields.window_end ? { window: { start: fields.window_start, end: fields.window_end, time_zone: fields.time_zone.trim() || "UTC" } } : {}),
  };
}

/** How the rollout goes on; all of it may stay as it is. */
export function PolicyFields({ register, errors }: { register: UseFormRegister<Fields>; errors: FieldErrors<Fields> }) {
  return (
    <details className="stack">
      <summary>How it goes on: stages, gate, pace, hours</summary>
      <div className="stack">
        <TextField label="Stages" placeholder="5, 5%, 25%" autoComplete="off" help="Running totals, as counts or percentages. Empty for the usual ones." {...register("stages")} />
        <TextField label="Held back as a control" placeholder="5%" autoComplete="off" help="Devices that stay without the version until the last stage was judged." {...register("holdback")} />
        <TextField label="Hours that each stage is watched" inputMode="decimal" wrong={errors.soak_h && "A number of hours, such as 24 or 0.5."} {...register("soak_h", { required: true, pattern: /^\d+(\.\d+)?$/ })} />
        <CheckField label="A gate judges each stage" help="Compares updated devices with those that wait. Without it stages follow each other at once." {...register("gate")} />
        <CheckField label="A halt takes the version back" {...register("rollback")} />
        <CheckField label="Another person must approve it first" {...register("approval")} />
        <CheckField label="Update devices that have disabled updates" {...register("force")} />
        <TextField label="Devices per minute" inputMode="numeric" help="Empty for no limit." wrong={errors.devices_per_minute && "A whole number."} {...register("devices_per_minute", { pattern: /^\d*$/ })} />
        <div className="row">
          <TextField label="Not before" type="time" {...register("window_start")} />
          <TextField label="Not after" type="time" {...register("window_end")} />
          <TextField label="Time zone" autoComplete="off" {...register("time_zone")} />
        </div>
      </div>
    </details>
  );
}

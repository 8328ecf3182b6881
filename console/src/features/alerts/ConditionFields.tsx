import { type Control, type FieldErrors, type UseFormRegister, useWatch } from "react-hook-form";
import { CheckField, SelectField, TextField } from "../../ui/Field";
import type { Rules } from "./queries";
import { type Fields, type Kind, PATH } from "./rules";

interface Props {
  kind: Kind;
  metrics: Rules["metrics"];
  register: UseFormRegister<Fields>;
  control: Control<Fields>;
  errors: FieldErrors<Fields>;
}

const NUMBER = /^-?\d+(\.\d+)?$/;
const MINUTES = /^\d+(\.\d+)?$/;

/** When a rule holds, and for which devices; only what its kind has. */
export function ConditionFields(props: Props) {
  const { kind, register, control, errors } = props;
  const by = useWatch({ control, name: "by" });
  const counted = kind === "resets" || kind === "update_failures" || kind === "webhook";
  const scoped = kind !== "webhook" && !(kind === "update_failures" && by === "version");
  return (
    <>
      {kind === "vital" && <Level {...props} />}
      {kind === "fleet_online" && (
        <div className="row">
          <TextField label="Fewer than, in %" inputMode="decimal" wrong={errors.level && "A percentage."} {...register("level", { required: true, pattern: MINUTES })} />
          <TextField label="Over again at, in %" inputMode="decimal" help="Empty for the same." wrong={errors.clear && "A percentage, or nothing."} {...register("clear", { pattern: /^(\d+(\.\d+)?)?$/ })} />
        </div>
      )}
      {!counted && <TextField label={kind === "offline" ? "For longer than, in minutes" : "For at least, in minutes"} inputMode="decimal" wrong={errors.minutes && "A number of minutes."} {...register("minutes", { required: true, pattern: MINUTES })} />}
      {counted && (
        <div className="row">
          <TextField label="How often" inputMode="numeric" wrong={errors.count && "A whole number."} {...register("count", { required: true, pattern: /^\d+$/ })} />
          <TextField label="Within, in minutes" inputMode="decimal" wrong={errors.within && "A number of minutes."} {...register("within", { required: true, pattern: MINUTES })} />
        </div>
      )}
      {kind === "update_failures" && (
        <SelectField label="Counted together" {...register("by")}>
          <option value="device">Failures of one device</option>
          <option value="version">Failures of one version, on any devices</option>
        </SelectField>
      )}
      {kind === "webhook" && <CheckField label="Also when an integration is paused because its receiver fails" {...register("breaker")} />}
      {scoped && <Scope {...props} />}
    </>
  );
}

function Level({ metrics, register, control, errors }: Props) {
  const metric = useWatch({ control, name: "metric" });
  const unit = metrics.find((one) => one.name === metric)?.unit;
  const suffix = unit ? `, in ${unit}` : "";
  return (
    <>
      <SelectField label="Which number" {...register("metric")}>
        {metrics.map((one) => <option key={one.name} value={one.name}>{one.label}{one.unit && ` (${one.unit})`}</option>)}
        <option value={PATH}>Another one, by its path</option>
      </SelectField>
      {metric === PATH && <TextField label="Path" autoComplete="off" placeholder="device.other.temp" help="Where it stands in the vitals of a device." wrong={errors.path && "A path like device.other.temp."} {...register("path", { required: true, pattern: /^(device|service)(\.[\w:-]+)+$/ })} />}
      <div className="row">
        <SelectField label="Is" {...register("side")}>
          <option value="below">below</option>
          <option value="above">above</option>
        </SelectField>
        <TextField label={`Level${suffix}`} inputMode="decimal" wrong={errors.level && "A number."} {...register("level", { required: true, pattern: NUMBER })} />
        <TextField label={`Over again at${suffix}`} inputMode="decimal" help="Empty for the same. Some way off, so that it does not come and go." wrong={errors.clear && "A number, or nothing."} {...register("clear", { pattern: /^(-?\d+(\.\d+)?)?$/ })} />
      </div>
    </>
  );
}

function Scope({ kind, register, errors }: Props) {
  return (
    <details className="stack">
      <summary>Only some devices</summary>
      <div className="stack">
        <TextField label={kind === "fleet_online" ? "Group" : "Groups"} autoComplete="off" help="Names; empty for all devices." {...register("groups")} />
        {kind !== "fleet_online" && <TextField label="Firmware version" inputMode="numeric" help="Only devices that run it; empty for any." wrong={errors.version && "A whole number, or nothing."} {...register("version", { pattern: /^\d*$/ })} />}
        {kind !== "fleet_online" && <CheckField label="Development devices, too" {...register("development")} />}
      </div>
    </details>
  );
}

import { useState } from "react";
import { useForm, useWatch } from "react-hook-form";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { SelectField, TextField } from "../../ui/Field";
import { ErrorNote, Loaded } from "../../ui/States";
import { say } from "../../ui/Toast";
import { ConditionFields } from "./ConditionFields";
import { type Preview, previewRule, type Rule, type Rules, useAlertActs, useRules } from "./queries";
import { draftOf, type Fields, fieldsOf, KINDS, localZone } from "./rules";
import { WhoFields } from "./WhoFields";

interface Props {
  product: string;
  rule: Rule | null;
  onClose: () => void;
}

/** Writes a rule or changes one; shows what it would find before it is kept. */
export function RuleDialog(props: Props) {
  const query = useRules(props.product);
  return (
    <Dialog open onClose={props.onClose} title={props.rule ? `Rule ${props.rule.name}` : "Write a rule"} wide>
      <Loaded query={query} rows={4}>{(rules) => <Editor {...props} metrics={rules.metrics} />}</Loaded>
    </Dialog>
  );
}

function Editor({ product, rule, metrics, onClose }: Props & { metrics: Rules["metrics"] }) {
  const [error, setError] = useState<unknown>(null);
  const [found, setFound] = useState<Preview | null>(null);
  const [looking, setLooking] = useState(false);
  const acts = useAlertActs(product);
  const { register, handleSubmit, control, formState } = useForm<Fields>({ defaultValues: fieldsOf(rule, metrics.map((one) => one.name), localZone()) });
  const kind = useWatch({ control, name: "kind" });
  const save = handleSubmit(async (fields) => {
    setError(null);
    try {
      await acts.save(rule?.id ?? null, draftOf(fields, rule?.enabled ?? true));
      say(rule ? "Saved" : "The rule is on");
      onClose();
    } catch (caught) {
      setError(caught);
    }
  });
  const look = handleSubmit(async (fields) => {
    setError(null);
    setLooking(true);
    try {
      setFound(await previewRule(product, draftOf(fields, true)));
    } catch (caught) {
      setError(caught);
    } finally {
      setLooking(false);
    }
  });
  return (
    <form className="stack" onSubmit={(event) => void save(event)} noValidate>
      <TextField label="Name" autoComplete="off" maxLength={100} help="It stands in notices." wrong={formState.errors.name && "Give it a name."} {...register("name", { required: true, validate: (text) => text.trim() !== "" })} />
      <SelectField label="When" help={KINDS.find((one) => one.kind === kind)?.help} {...register("kind", { onChange: () => setFound(null) })}>
        {KINDS.map((one) => <option key={one.kind} value={one.kind}>{one.label}</option>)}
      </SelectField>
      <ConditionFields kind={kind} metrics={metrics} register={register} control={control} errors={formState.errors} />
      <WhoFields register={register} control={control} errors={formState.errors} />
      <div className="row">
        <Button busy={looking} onClick={() => void look()}>How many match now?</Button>
        <span role="status">{found && <Found found={found} />}</span>
      </div>
      {rule && rule.live > 0 && <p className="quiet">With another condition its {rule.live.toLocaleString()} alerts end, and it looks anew.</p>}
      {error !== null && <ErrorNote error={error} />}
      <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting && !looking}>{rule ? "Save" : "Turn the rule on"}</Button></div>
    </form>
  );
}

function Found({ found }: { found: Preview }) {
  if (found.text) return <>{found.text}</>;
  const names = found.examples.map((one) => one.name || one.device_id).join(", ");
  return (
    <span className="wrap-any">
      {found.complete ? "" : "At least "}{(found.matches ?? 0).toLocaleString()} {found.matches === 1 ? "device matches" : "devices match"} now{names && `: ${names}`}{(found.matches ?? 0) > found.examples.length && " …"}
    </span>
  );
}

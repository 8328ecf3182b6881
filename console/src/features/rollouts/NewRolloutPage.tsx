import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { Link, useLocation } from "wouter";
import { api, take } from "../../api/client";
import { ApiError } from "../../api/errors";
import { ProductFrame } from "../../product/Frame";
import type { Product } from "../../product/queries";
import { Button } from "../../ui/Button";
import { CheckField, SelectField, TextField } from "../../ui/Field";
import { Guarded } from "../../ui/Guarded";
import { Card } from "../../ui/Page";
import { Empty, ErrorNote, Loaded } from "../../ui/States";
import { say } from "../../ui/Toast";
import { PlanCard } from "./PlanCard";
import { type Plan, planRollout, useRolloutAct, type Wanted } from "./queries";
import { type Fields, policyOf, PolicyFields } from "./PolicyFields";

/** A rollout that is to be: what, to whom, how; then exactly what it will do; then the start. */
export default function NewRolloutPage() {
  return <ProductFrame title="Plan a rollout" crumb={{ part: "rollouts", label: "Rollouts" }}>{(product) => <Guarded needs="rollouts:create"><Planning product={product} /></Guarded>}</ProductFrame>;
}

function Planning({ product }: { product: Product }) {
  const versions = useQuery({ queryKey: ["firmware", product.slug], queryFn: () => take(api.GET("/v1/products/{product}/firmware", { params: { path: { product: product.slug } } })) });
  return (
    <Loaded query={versions} rows={4}>
      {(all) => all.length === 0 ? (
        <Empty title="There is no firmware yet"><p className="quiet">Upload a version on the page <Link to={`/products/${product.slug}/firmware`}>Firmware</Link> first.</p></Empty>
      ) : <Form product={product} versions={all} />}
    </Loaded>
  );
}

interface Version {
  version: number;
  title: string;
  proven_at: string | null;
}

function Form({ product, versions }: { product: Product; versions: Version[] }) {
  const act = useRolloutAct(product.slug);
  const [, navigate] = useLocation();
  const [planned, setPlanned] = useState<{ plan: Plan; wanted: Wanted } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [starting, setStarting] = useState(false);
  const [unproven, setUnproven] = useState(false);
  const { register, handleSubmit, formState } = useForm<Fields>({
    defaultValues: { version: String(versions[0]?.version ?? ""), groups: [], filter: "", stages: "", holdback: "", soak_h: "24", gate: true, rollback: true, approval: false, force: false, devices_per_minute: "", window_start: "", window_end: "", time_zone: "UTC", override_reason: "" },
  });
  const failed = (caught: unknown) => {
    setError(caught);
    if (caught instanceof ApiError && caught.code === "version_not_proven") setUnproven(true);
  };
  const see = handleSubmit(async (fields) => {
    setError(null);
    setPlanned(null);
    const wanted: Wanted = { version: Number(fields.version), groups: fields.groups || [], filter: fields.filter.trim(), policy: policyOf(fields), ...(fields.override_reason ? { override_reason: fields.override_reason } : {}) };
    try {
      setPlanned({ plan: await planRollout(product.slug, wanted), wanted });
    } catch (caught) {
      failed(caught);
    }
  });
  const start = async () => {
    if (!planned) return;
    setStarting(true);
    setError(null);
    try {
      // With the plan's id the rollout draws the devices that were shown, in the order that was shown.
      const made = await act.create({ ...planned.wanted, id: planned.plan.rollout.id });
      say(planned.plan.rollout.policy.approval ? "The rollout waits for approval" : "The rollout has begun");
      navigate(`/products/${product.slug}/rollouts/${made.id}`);
    } catch (caught) {
      failed(caught);
      setStarting(false);
    }
  };
  return (
    <div className="cards">
      <Card title="What, and to whom">
        <form className="stack" onSubmit={(event) => void see(event)} onChange={() => setPlanned(null)} noValidate>
          <SelectField label="Version" {...register("version")}>
            {versions.map((one) => <option key={one.version} value={one.version}>{one.version} {one.title}{one.proven_at ? "" : " (not proven on a device)"}</option>)}
          </SelectField>
          <fieldset className="stack tight">
            <legend>Groups</legend>
            {product.groups.length === 0 ? <p className="quiet">There are none; the rollout goes to the whole product.</p> : product.groups.map((name) => <CheckField key={name} label={name} value={name} {...register("groups")} />)}
            {product.groups.length > 0 && <p className="quiet">Without any it goes to the whole product.</p>}
          </fieldset>
          <TextField label="Only devices that fit" placeholder="firmware < 5 and not name = test" autoComplete="off" help="group, platform, name, id, online, firmware, device_os with = != < <= > >=, and, or, not, brackets. Empty for all." {...register("filter")} />
          <PolicyFields register={register} errors={formState.errors} />
          {unproven && <TextField label="Why roll it out unproven?" help="No device has run it and come back yet. The reason is kept with the rollout." {...register("override_reason")} />}
          {error !== null && <ErrorNote error={error} />}
          <div className="row"><Button kind={planned ? "normal" : "primary"} type="submit" busy={formState.isSubmitting}>See what it will do</Button></div>
        </form>
      </Card>
      {planned && (
        <PlanCard plan={planned.plan} product={product.slug}>
          <Button kind="primary" busy={starting} disabled={planned.plan.devices + planned.plan.late_devices === 0} onClick={() => void start()}>
            Start the rollout to {(planned.plan.devices + planned.plan.late_devices).toLocaleString()} devices
          </Button>
        </PlanCard>
      )}
    </div>
  );
}

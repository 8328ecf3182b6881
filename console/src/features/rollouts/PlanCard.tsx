import type { ReactNode } from "react";
import { Link } from "wouter";
import { Card, Facts } from "../../ui/Page";
import { Table } from "../../ui/Table";
import { formatDuration } from "../../state/time";
import type { Plan } from "./queries";

const REASONS: Record<string, string> = {
  up_to_date: "run it already",
  development: "are marked for development",
  locked: "are locked to a version",
  other_group: "are in none of the groups",
  filtered_out: "do not fit",
  not_a_member: "are not approved",
};

/** What a rollout will do: who changes, who is left out and why, what it takes. */
export function PlanCard({ plan, product, children }: { plan: Plan; product: string; children: ReactNode }) {
  const all = plan.devices + plan.late_devices;
  const left = Object.entries(plan.left_out);
  const from = Object.entries(plan.from_versions);
  return (
    <Card title="What it will do">
      <div className="stack" role="status">
        <p><strong>{all.toLocaleString()} {all === 1 ? "device gets" : "devices get"} version {plan.rollout.version}</strong>{plan.late_devices > 0 && `, ${plan.late_devices.toLocaleString()} of them last because they were not heard of for long`}.</p>
        {plan.warnings.map((text) => <p key={text} className="note look">{text}</p>)}
        <Facts rows={[
          ["They run now", from.length === 0 ? "–" : from.map(([version, count]) => `${count.toLocaleString()} × ${version === "0" ? "none" : version}`).join(", ")],
          ["Left out", left.length === 0 ? "none" : left.map(([reason, count]) => `${count.toLocaleString()} ${REASONS[reason] ?? reason.replaceAll("_", " ")}`).join(", ")],
          ["Stages", `${plan.stages.map((total) => total.toLocaleString()).join(" → ")} devices`],
          ["Takes about", formatDuration(plan.expected_hours * 3600)],
          ["Data", `${(plan.bytes / 1e6).toFixed(1)} MB${plan.cellular_devices > 0 ? `, ${plan.cellular_devices.toLocaleString()} devices over a cellular network` : ""}`],
        ]} />
        <details>
          <summary className="quiet">Each device, in its order</summary>
          <Table label="Devices of the plan" rows={plan.list.slice(0, 200)} rowKey={(one) => one.device_id} columns={[
            { key: "stage", title: "Stage", num: true, cell: (one) => one.stage ?? "–" },
            { key: "device", title: "Device", cell: (one) => <Link to={`/products/${product}/devices/${one.device_id}`}>{one.name || one.device_id}</Link> },
            { key: "runs", title: "Runs", num: true, cell: (one) => one.running || "–" },
            { key: "why", title: "Why", minor: true, cell: (one) => one.text },
          ]} />
          {plan.listed_of > 200 && <p className="quiet">The first 200 of {plan.listed_of.toLocaleString()}; the API gives them all.</p>}
        </details>
        <div className="row">{children}</div>
      </div>
    </Card>
  );
}

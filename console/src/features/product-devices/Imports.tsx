import { useState } from "react";
import { Card } from "../../ui/Page";
import { Stacked } from "../../ui/Progress";
import { TimeAgo } from "../../ui/Time";
import { type Import, useImports } from "./queries";

const SHOWN_MS = 3_600_000;

/** Imports that run, and those of the last hour. Nothing is shown without any. */
export function Imports({ product }: { product: string }) {
  const query = useImports(product);
  const [opened] = useState(Date.now);
  const recent = (query.data ?? []).filter((one) => one.finished_at === null || opened - Date.parse(one.finished_at) < SHOWN_MS);
  if (recent.length === 0) return null;
  return (
    <Card title="Imports">
      <ul className="stack">{recent.map((one) => <li key={one.id}><Progress one={one} /></li>)}</ul>
    </Card>
  );
}

function Progress({ one }: { one: Import }) {
  const count = (name: string) => one.counts[name] ?? 0;
  const waiting = Math.max(0, one.total_lines - one.done_lines);
  return (
    <div className="stack tight">
      <div className="row">
        <span className="grow">{one.done_lines.toLocaleString()} of {one.total_lines.toLocaleString()} lines, begun <TimeAgo at={one.created_at} /></span>
        {one.finished_at && <a className="button small" href={one.result} download="import.csv">Download the result</a>}
      </div>
      <Stacked label="Import" shares={[
        { label: "imported", count: count("imported") + count("moved"), tone: "good" },
        { label: "there already", count: count("existing"), tone: "idle" },
        { label: "left out", count: count("limited") + count("nonmember"), tone: "look" },
        { label: "not possible", count: count("invalid"), tone: "bad" },
        { label: "waiting", count: waiting, tone: "work" },
      ]} />
    </div>
  );
}

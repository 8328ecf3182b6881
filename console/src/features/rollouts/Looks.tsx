import { StatusMark } from "../../ui/Marks";
import { Table } from "../../ui/Table";
import { Moment } from "../../ui/Time";
import type { Look } from "./queries";
import { formatChance, outcomeOf } from "./rules";

interface Finding {
  signal: string;
  updated: number;
  control: number;
  chance: number;
  effect_marks: number;
  worst_share: number;
}

/** Every look of the gate, the newest first: its verdict in words, and the figures behind it. */
export function Looks({ looks, gate }: { looks: Look[]; gate: boolean }) {
  if (looks.length === 0) return <p className="quiet">{gate ? "It has not looked yet: first a stage must be watched for a quarter of its time." : "This rollout has no gate."}</p>;
  return <ol className="stack">{looks.toSorted((a, b) => b.number - a.number).map((one) => <li key={one.number}><Shown look={one} /></li>)}</ol>;
}

function Shown({ look }: { look: Look }) {
  const { tone, text } = outcomeOf(look.outcome);
  const findings = look.signals as unknown as Finding[];
  return (
    <article className="stack tight" aria-label={`Look ${look.number}`}>
      <div className="row"><StatusMark tone={tone}><strong>{text}</strong></StatusMark><span className="quiet">stage {look.stage}, <Moment at={look.at} /></span></div>
      <p>{look.text}</p>
      {look.unseen && <p className="quiet">{look.unseen}</p>}
      {findings.length > 0 && (
        <details>
          <summary className="quiet">What was compared</summary>
          <Table label={`Signals of look ${look.number}`} rows={findings} rowKey={(one) => one.signal} columns={[
            { key: "signal", title: "Signal", cell: (one) => one.signal.replaceAll("_", " ") },
            { key: "updated", title: "Updated", num: true, minor: true, cell: (one) => one.updated.toLocaleString() },
            { key: "control", title: "Control", num: true, minor: true, cell: (one) => one.control.toLocaleString() },
            { key: "effect", title: "Worse by, marks", num: true, cell: (one) => one.effect_marks.toFixed(2) },
            { key: "chance", title: "By chance alone", num: true, cell: (one) => formatChance(one.chance) },
          ]} />
        </details>
      )}
    </article>
  );
}

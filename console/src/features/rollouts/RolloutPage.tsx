import { useParams } from "wouter";
import { ProductFrame } from "../../product/Frame";
import type { Product } from "../../product/queries";
import { formatDuration } from "../../state/time";
import { StatusMark } from "../../ui/Marks";
import { Card, Facts } from "../../ui/Page";
import { Stacked } from "../../ui/Progress";
import { Loaded } from "../../ui/States";
import { Table } from "../../ui/Table";
import { Moment, TimeAgo } from "../../ui/Time";
import { Explain } from "./Explain";
import { Looks } from "./Looks";
import { type Rollout, type RolloutAnswer, type Stage, useRollout } from "./queries";
import { sharesOf, stateOf } from "./rules";
import { Steer } from "./Steer";

/** One rollout: whether it goes on and why, how far it is, what the gate saw, what can be done. */
export default function RolloutPage() {
  const { rollout = "" } = useParams<{ rollout: string }>();
  return <ProductFrame title="Rollout" crumb={{ part: "rollouts", label: "Rollouts" }}>{(product) => <Shown product={product} id={rollout} />}</ProductFrame>;
}

function Shown({ product, id }: { product: Product; id: string }) {
  const query = useRollout(product.slug, id);
  return (
    <Loaded query={query}>
      {(answer) => (
        <>
          <Verdict product={product.slug} answer={answer} />
          <div className="cards">
            <Card title="Stages"><Stages stages={answer.stages} rollout={answer.rollout} /></Card>
            <Card title="How it goes on"><Terms rollout={answer.rollout} /></Card>
          </div>
          <Card title="What the gate said"><Looks looks={answer.looks} gate={answer.rollout.policy.gate ?? true} /></Card>
          <Card title="One device of it"><Explain product={product.slug} rollout={id} /></Card>
        </>
      )}
    </Loaded>
  );
}

function Verdict({ product, answer }: { product: string; answer: RolloutAnswer }) {
  const { rollout, counts } = answer;
  const { tone, text } = stateOf(rollout.state);
  const what = rollout.rollback_of ? "Back to what devices had" : `Version ${rollout.version}`;
  return (
    <Card title={`${what} to ${rollout.groups.length > 0 ? rollout.groups.join(", ") : "the whole product"}`} actions={<Steer product={product} rollout={rollout} />}>
      <div className="stack" aria-live="polite">
        <p><StatusMark tone={tone}><strong>{text}</strong></StatusMark>{rollout.text && <> {rollout.text}</>}</p>
        <Stacked label="Devices" shares={sharesOf(counts)} />
        <p className="quiet">
          Made by {rollout.created_by} <TimeAgo at={rollout.created_at} />
          {rollout.started_at && <>, started <TimeAgo at={rollout.started_at} /></>}
          {rollout.ended_at && <>, ended <TimeAgo at={rollout.ended_at} /></>}.
        </p>
      </div>
    </Card>
  );
}

const STAGE_WORDS: Record<string, { tone: "good" | "work" | "idle"; text: string }> = {
  done: { tone: "good", text: "done" },
  open: { tone: "work", text: "open" },
  waiting: { tone: "idle", text: "waiting" },
};

function Stages({ stages, rollout }: { stages: Stage[]; rollout: Rollout }) {
  if (stages.length === 0) return <p className="quiet">Its devices are being drawn.</p>;
  return (
    <Table label="Stages" rows={stages} rowKey={(one) => String(one.stage)} columns={[
      { key: "stage", title: "Stage", cell: (one) => one.stage > rollout.stages.length ? "the rest" : one.stage },
      { key: "state", title: "State", cell: (one) => <StatusMark tone={STAGE_WORDS[one.state]?.tone ?? "idle"}>{STAGE_WORDS[one.state]?.text ?? one.state}</StatusMark> },
      { key: "offered", title: "Offered", num: true, cell: (one) => `${one.offered.toLocaleString()} of ${one.devices.toLocaleString()}` },
    ]} />
  );
}

function Terms({ rollout }: { rollout: Rollout }) {
  const { policy } = rollout;
  return (
    <Facts rows={[
      ["Stage opened", <Moment key="o" at={rollout.stage_opened_at} />],
      ["Looked at next", <Moment key="n" at={rollout.next_at} />],
      ["Watched for", `${formatDuration((policy.soak_h ?? 24) * 3600)} each stage`],
      ["Gate", policy.gate ? "judges each stage" : "none: stages follow each other"],
      ["After a halt", policy.rollback ? "devices get back what they had" : "devices stay as they are"],
      ["Only devices that fit", rollout.filter ? <code key="f">{rollout.filter}</code> : "–"],
      ["Approved by", rollout.approved_by ?? (policy.approval ? "nobody yet" : "not needed")],
    ]} />
  );
}

import { Link } from "wouter";
import { ProductFrame } from "../../product/Frame";
import type { Product } from "../../product/queries";
import { useUrlState } from "../../state/url";
import { ButtonLink } from "../../ui/Button";
import { StatusMark } from "../../ui/Marks";
import { Empty, Loaded } from "../../ui/States";
import { type Column, Pager, Table } from "../../ui/Table";
import { TimeAgo } from "../../ui/Time";
import { type Rollout, useRollouts } from "./queries";
import { stateOf } from "./rules";

/** The rollouts of a product: which go on, which wait for somebody, what became of the others. */
export default function RolloutsPage() {
  return (
    <ProductFrame title="Rollouts" actions={(product) => <ButtonLink needs="rollouts:create" kind="primary" to={`/products/${product.slug}/rollouts/new`}>Plan a rollout</ButtonLink>}>
      {(product) => <Rollouts product={product} />}
    </ProductFrame>
  );
}

function Rollouts({ product }: { product: Product }) {
  const [url, change] = useUrlState();
  const page = Math.max(1, Number(url.get("page") ?? 1) || 1);
  const query = useRollouts(product.slug, page);
  const columns: Column<Rollout>[] = [
    { key: "version", title: "Rollout", cell: (one) => <Link to={`/products/${product.slug}/rollouts/${one.id}`}>{one.rollback_of ? "Back to what devices had" : `Version ${one.version}`}</Link> },
    { key: "state", title: "State", cell: (one) => <State state={one.state} /> },
    { key: "stage", title: "Stage", minor: true, cell: (one) => one.stages.length === 0 ? "–" : `${Math.min(one.stage, one.stages.length)} of ${one.stages.length}` },
    { key: "offered", title: "Offered", num: true, cell: (one) => `${one.offered.toLocaleString()} of ${(one.devices + one.late_devices).toLocaleString()}` },
    { key: "to", title: "To", minor: true, cell: (one) => <span className="wrap-any">{one.groups.length > 0 ? one.groups.join(", ") : "the whole product"}{one.filter && <code> {one.filter}</code>}</span> },
    { key: "by", title: "By", minor: true, cell: (one) => one.created_by },
    { key: "when", title: "Made", minor: true, cell: (one) => <TimeAgo at={one.created_at} /> },
  ];
  return (
    <Loaded query={query} rows={4}>
      {(answer) => answer.total === 0 ? (
        <Empty title="There was no rollout yet">
          <p className="quiet">A rollout brings a version to devices in stages. After each stage the updated devices are compared with those that do not have it yet; if they fare worse, it stops by itself and gives them back what they had.</p>
          <ButtonLink needs="rollouts:create" kind="primary" to={`/products/${product.slug}/rollouts/new`}>Plan a rollout</ButtonLink>
        </Empty>
      ) : (
        <>
          <Table label="Rollouts" columns={columns} rows={answer.rollouts} rowKey={(one) => one.id} />
          <Pager page={answer.page} pages={Math.ceil(answer.total / answer.per_page)} onPage={(next) => change({ page: String(next) })} summary={`${answer.total.toLocaleString()} rollouts`} />
        </>
      )}
    </Loaded>
  );
}

function State({ state }: { state: string }) {
  const { tone, text } = stateOf(state);
  return <StatusMark tone={tone}>{text}</StatusMark>;
}

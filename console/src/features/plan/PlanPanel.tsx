import { Link } from "wouter";
import type { Product } from "../../product/queries";
import { StatusMark } from "../../ui/Marks";
import { Card, Command, Facts } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { Table } from "../../ui/Table";
import { Moment } from "../../ui/Time";
import { type Agreement, type Plan, useAgreement, usePlans } from "./queries";
import { compared, limitText, nearness } from "./rules";

interface Props {
  /** Whose plan: `/v1/user`, or an organization's path. */
  base: string;
  /** By what the operator names the owner. */
  owner: string;
  /** The owner's products. */
  products: Product[];
}

/** Which plan is in force, how near its limits are, what the others have. */
export function PlanPanel({ base, owner, products }: Props) {
  const agreement = useAgreement(base);
  const plans = usePlans();
  return (
    <Loaded query={agreement} rows={4}>
      {(mine) => (
        <Loaded query={plans} rows={8}>
          {(all) => {
            const plan = all.find((one) => one.name === mine.attributes.agreement_type);
            return (
              <>
                <div className="cards">
                  <InForce agreement={mine} />
                  {plan && <Limits plan={plan} agreement={mine} products={products} />}
                </div>
                <Card title="What are the plans?">
                  <Compared plans={all} mine={mine.attributes.agreement_type} />
                  <div className="stack tight after">
                    <p className="quiet">The people who run this server change a plan:</p>
                    <Command>{`roadstead plan set ${owner} PLAN`}</Command>
                  </div>
                </Card>
                <Usage metered={mine.attributes.metered} />
              </>
            );
          }}
        </Loaded>
      )}
    </Loaded>
  );
}

/** The day of a moment; a period is a calendar month in UTC, whatever zone is shown. */
function day(iso: string): string {
  return iso.slice(0, 10);
}

function InForce({ agreement }: { agreement: Agreement }) {
  const { attributes } = agreement;
  return (
    <Card title="Which plan is in force?">
      <Facts rows={[
        ["Plan", <strong key="p">{attributes.agreement_type}</strong>],
        ["Since", attributes.starts_on ? <Moment key="s" at={attributes.starts_on} /> : "the beginning"],
        ["This period", `${day(attributes.current_billing_period_start)} to ${day(attributes.current_billing_period_end)}, UTC`],
        ["Devices", attributes.current_usage_summary.connectivity.all.owned_devices.toLocaleString()],
        ["Limits", attributes.current_usage_summary.device_limit_reached ? <StatusMark key="l" tone="bad">one is reached</StatusMark> : <StatusMark key="l" tone="good">none is reached</StatusMark>],
      ]} />
    </Card>
  );
}

function Limits({ plan, agreement, products }: { plan: Plan; agreement: Agreement; products: Product[] }) {
  const owned = agreement.attributes.current_usage_summary.connectivity.all.owned_devices;
  const inProducts = products.reduce((sum, one) => sum + one.device_count, 0);
  const rows = [
    { what: "Devices in all", link: null, used: owned, limit: plan.devices_per_account },
    { what: "Devices outside products", link: null, used: Math.max(0, owned - inProducts), limit: plan.devices_outside_products },
    ...products.map((one) => ({ what: one.name, link: `/products/${one.slug}/devices`, used: one.device_count, limit: plan.devices_per_product })),
  ];
  return (
    <Card title="How near are its limits?">
      <Table label="Limits" rows={rows} rowKey={(one) => one.link ?? one.what} columns={[
        { key: "what", title: "Limit", cell: (one) => (one.link ? <Link to={one.link}>{one.what}</Link> : one.what) },
        { key: "used", title: "Used", num: true, cell: (one) => one.limit === null ? one.used.toLocaleString() : `${one.used.toLocaleString()} of ${limitText(one.limit)}` },
        { key: "state", title: "State", minor: true, cell: (one) => <Near used={one.used} limit={one.limit} /> },
      ]} />
    </Card>
  );
}

function Near({ used, limit }: { used: number; limit: number | null }) {
  const { tone, text, share } = nearness(used, limit);
  return (
    <div className="stack tight">
      <StatusMark tone={tone}>{text}</StatusMark>
      {limit !== null && <div className="stacked thin" aria-hidden="true"><i className={`fill-${tone}`} style={{ width: `${100 * share}%` }} /></div>}
    </div>
  );
}

function Compared({ plans, mine }: { plans: Plan[]; mine: string }) {
  return (
    <Table label="Plans" rows={compared(plans)} rowKey={(one) => one.what} columns={[
      { key: "what", title: "", head: "What", cell: (one) => one.what },
      ...plans.map((plan, place) => ({ key: plan.name, title: plan.name === mine ? `${plan.name} (yours)` : plan.name, cell: (one: { values: string[] }) => (plan.name === mine ? <strong>{one.values[place]}</strong> : one.values[place]) })),
    ]} />
  );
}

function Usage({ metered }: { metered: string[] }) {
  const counts = (what: string) => (metered.includes(what) ? <StatusMark tone="good">counted</StatusMark> : <StatusMark tone="idle">not counted by this version</StatusMark>);
  return (
    <Card title="What is counted?">
      <div className="stack">
        <Facts rows={[["Devices", counts("devices")], ["Messages (data operations)", counts("messages")], ["Bytes", counts("data")]]} />
        {!metered.includes("messages") && <p className="quiet">So there are no usage reports (the API answers 501 for them), and nothing is paused or billed for messages or bytes.</p>}
      </div>
    </Card>
  );
}

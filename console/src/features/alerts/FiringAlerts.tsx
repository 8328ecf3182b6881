import { useState } from "react";
import { Link } from "wouter";
import { useUrlState } from "../../state/url";
import { Button } from "../../ui/Button";
import { SelectField } from "../../ui/Field";
import { StatusMark } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { Card } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { type Column, Table } from "../../ui/Table";
import { TimeAgo } from "../../ui/Time";
import { ActDialog } from "./ActDialog";
import { type Alert, useAlerts, useRules } from "./queries";
import { careOf, stateOf } from "./rules";

const LIVE = "open,acknowledged";

interface Acting {
  alert: Alert;
  action: "acknowledge" | "resolve";
}

/** The alerts of a product, those that are not resolved first of all. */
export function FiringAlerts({ product }: { product: string }) {
  const [url, change] = useUrlState();
  const [acting, setActing] = useState<Acting | null>(null);
  const state = url.get("state") ?? LIVE;
  const rule = url.get("rule") ?? "";
  const device = url.get("device") ?? "";
  const query = useAlerts(product, state, rule, device);
  const rules = useRules(product);
  return (
    <Card title="What fires now?">
      <div className="stack">
      <div className="filters row">
        <SelectField label="State" value={state} onChange={(event) => change({ state: event.target.value === LIVE ? null : event.target.value })}>
          <option value={LIVE}>Not resolved</option>
          <option value="open">Open</option>
          <option value="acknowledged">Acknowledged</option>
          <option value="resolved">Resolved</option>
        </SelectField>
        <SelectField label="Rule" value={rule} onChange={(event) => change({ rule: event.target.value })}>
          <option value="">All rules</option>
          {(rules.data?.rules ?? []).map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
        </SelectField>
        {device && <Button small onClick={() => change({ device: null })}>One device only: show all</Button>}
      </div>
      <Loaded query={query} rows={3}>
        {({ pages }) => {
          const rows = pages.flatMap((page) => page.alerts);
          if (rows.length === 0) return <Nothing filtered={state !== LIVE || rule !== "" || device !== ""} onClear={() => change({ state: null, rule: null, device: null })} />;
          return (
            <>
              <Table label="Alerts" columns={columnsOf(product, setActing)} rows={rows} rowKey={(one) => one.id} />
              {query.hasNextPage && <div className="row"><Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>Show older ones</Button></div>}
            </>
          );
        }}
      </Loaded>
      </div>
      {acting && <ActDialog product={product} alert={acting.alert} action={acting.action} onClose={() => setActing(null)} />}
    </Card>
  );
}

function Nothing({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  if (filtered) return <div className="row"><p className="quiet">No alert matches these filters.</p><Button small onClick={onClear}>Clear filters</Button></div>;
  return <StatusMark tone="good">Nothing fires.</StatusMark>;
}

function columnsOf(product: string, act: (acting: Acting) => void): Column<Alert>[] {
  return [
    {
      key: "name", title: "What",
      cell: (one) => (
        <div className="stack tight">
          {one.device_id ? <Link className="wrap-any" to={`/products/${product}/devices/${one.device_id}`}>{one.name}</Link> : <span className="wrap-any">{one.name}</span>}
          <span className="quiet">{one.rule_name}</span>
        </div>
      ),
    },
    { key: "state", title: "State", cell: (one) => <StatusMark tone={stateOf(one).tone}>{stateOf(one).text}</StatusMark> },
    { key: "text", title: "Seen", minor: true, cell: (one) => one.text },
    { key: "severity", title: "Severity", minor: true, cell: (one) => one.severity },
    { key: "since", title: "Since", minor: true, cell: (one) => <TimeAgo at={one.opened_at} /> },
    {
      key: "care", title: "Who looks after it", minor: true,
      cell: (one) => <div className="stack tight"><span>{careOf(one) || "–"}</span>{one.note && <span className="quiet wrap-any">{one.note}</span>}</div>,
    },
    {
      key: "act", title: "",
      cell: (one) => one.state === "resolved" ? null : (
        <Menu label={`Actions for ${one.name}, ${one.rule_name}`} items={[
          { label: one.state === "open" ? "Acknowledge" : "Change the note", act: () => act({ alert: one, action: "acknowledge" }) },
          { label: "Resolve", act: () => act({ alert: one, action: "resolve" }) },
        ]} />
      ),
    },
  ];
}

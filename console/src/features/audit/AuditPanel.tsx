import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ask } from "../../api/client";
import type { components } from "../../api/schema";
import { useUrlState } from "../../state/url";
import { Button } from "../../ui/Button";
import { Empty, Loaded } from "../../ui/States";
import { Pager, Table } from "../../ui/Table";
import { Moment } from "../../ui/Time";

const PER_PAGE = 50;
const FIELDS = [["actor", "Who"], ["action", "What, such as device.renamed"], ["target", "On what"]] as const;

/** Who changed what, from where, and what it was before. */
export function AuditPanel({ base }: { base: string }) {
  const [url, change] = useUrlState();
  const page = Math.max(1, Number(url.get("page") ?? 1) || 1);
  const asked = new URLSearchParams();
  for (const [name] of FIELDS) {
    const value = url.get(name);
    if (value) asked.set(name, value);
  }
  const filters = asked.toString();
  const query = useQuery({
    queryKey: ["audit", base, filters, page],
    queryFn: async () => (await (await ask(`${base}/audit?page=${page}&per_page=${PER_PAGE}&${filters}`)).json()) as components["schemas"]["ChangesAnswer"],
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <div className="filters" role="search">
        {FIELDS.map(([name, label]) => <input key={name} className="input" type="search" aria-label={label} placeholder={label} defaultValue={url.get(name) ?? ""} onChange={(event) => change({ [name]: event.target.value, page: null })} />)}
        <a className="button" href={`${base}/audit/export?format=csv&${filters}`} download="audit.csv">Export</a>
      </div>
      <Loaded query={query} rows={8}>
        {({ changes, meta }) => changes.length === 0 ? (
          <Empty title="Nothing matches">{filters && <Button onClick={() => change({ actor: null, action: null, target: null, page: null })}>Clear the filters</Button>}</Empty>
        ) : (
          <>
            <Table label="Changes" rows={changes} rowKey={(one) => `${one.at}${one.action}${one.target}`} columns={[
              { key: "when", title: "When", cell: (one) => <Moment at={one.at} /> },
              { key: "who", title: "Who", cell: (one) => <span className="wrap-any">{one.actor} <span className="quiet">{one.address}</span></span> },
              { key: "what", title: "What", cell: (one) => <code>{one.action}</code> },
              { key: "on", title: "On", cell: (one) => <code className="wrap-any">{one.target}</code> },
              { key: "from", title: "Before", minor: true, cell: (one) => <code className="wrap-any">{one.before ? JSON.stringify(one.before) : ""}</code> },
              { key: "to", title: "After", minor: true, cell: (one) => <code className="wrap-any">{one.after ? JSON.stringify(one.after) : ""}</code> },
            ]} />
            <Pager page={page} pages={meta.total_pages} onPage={(next) => change({ page: String(next) })} />
          </>
        )}
      </Loaded>
    </>
  );
}

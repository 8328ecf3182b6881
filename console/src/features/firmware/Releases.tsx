import { Card } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { Table } from "../../ui/Table";
import { TimeAgo } from "../../ui/Time";
import { useReleases } from "./queries";

/** Who released what to whom, newest first. */
export function Releases({ product }: { product: string }) {
  const query = useReleases(product);
  return (
    <Card title="Releases so far">
      <Loaded query={query} rows={2}>
        {(all) => all.length === 0 ? <p className="quiet">Nothing was released yet.</p> : (
          <Table label="Releases" rows={all} rowKey={(one) => one.id} columns={[
            { key: "when", title: "When", cell: (one) => <TimeAgo at={one.released_at} /> },
            { key: "version", title: "Version", num: true, cell: (one) => one.version },
            { key: "to", title: "To", cell: (one) => [...(one.product_default ? ["all devices"] : []), ...(one.groups ?? []).map((name) => `group ${name}`)].join(", ") || "withdrawn" },
            { key: "by", title: "By", minor: true, cell: (one) => one.released_by ?? "–" },
            { key: "why", title: "Note", minor: true, cell: (one) => one.override_reason ?? (one.intelligent ? "intelligent" : "") },
          ]} />
        )}
      </Loaded>
    </Card>
  );
}

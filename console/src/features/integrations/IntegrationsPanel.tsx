import { Link } from "wouter";
import { ButtonLink } from "../../ui/Button";
import { StatusMark } from "../../ui/Marks";
import { Empty, Loaded } from "../../ui/States";
import { Table } from "../../ui/Table";
import { type Base, useIntegrations } from "./queries";

/** What is told to other systems when devices say something. */
export function IntegrationsPanel({ base, at }: { base: Base; at: string }) {
  const query = useIntegrations(base);
  const create = <ButtonLink needs="integrations:create" kind="primary" to={`${at}/integrations/new`}>Add an integration</ButtonLink>;
  return (
    <>
      <div className="row"><span className="grow" />{create}</div>
      <Loaded query={query} rows={4}>
        {(all) => all.length === 0 ? (
          <Empty title="There are no integrations yet"><p className="quiet">A webhook sends a request to an address of yours for each event whose name begins as you say. What is sent is kept and can be sent again.</p>{create}</Empty>
        ) : (
          <Table label="Integrations" rows={all} rowKey={(one) => one.id} columns={[
            { key: "name", title: "Name", cell: (one) => <Link to={`${at}/integrations/${one.id}`}>{one.name}</Link> },
            { key: "event", title: "Events that begin with", cell: (one) => <code className="wrap-any">{one.event}</code> },
            { key: "kind", title: "Kind", minor: true, cell: (one) => one.integration_type },
            { key: "to", title: "To", minor: true, cell: (one) => <span className="wrap-any">{one.url ?? "–"}</span> },
            { key: "state", title: "State", cell: (one) => one.disabled ? <StatusMark tone="idle">disabled</StatusMark> : <StatusMark tone="good">enabled</StatusMark> },
          ]} />
        )}
      </Loaded>
    </>
  );
}

import { Link } from "wouter";
import { StatusMark } from "../../ui/Marks";
import { Card } from "../../ui/Page";
import { type Column, Table } from "../../ui/Table";
import { TimeAgo } from "../../ui/Time";
import { Bars } from "./Distributions";
import type { FleetHealth, FleetPart } from "./queries";
import { percent, successOf, TONES, troubled } from "./rules";

/** What is wrong with how many devices. */
export function Reasons({ reasons }: { reasons: FleetHealth["reasons"] }) {
  if (reasons.length === 0) return <p className="quiet">Nothing is wrong with any of them.</p>;
  return <Bars rows={reasons.map((one) => ({ label: one.label, count: one.devices }))} />;
}

/** The devices with the most trouble. */
export function Worst({ product, devices }: { product: string; devices: FleetHealth["worst"] }) {
  return (
    <Card title="Which devices need somebody?" actions={<Link to={`/products/${product}/devices`}>All devices</Link>}>
      {devices.length === 0 ? <p className="quiet">None.</p> : (
        <ul className="stack tight">
          {devices.map((one) => (
            <li key={one.id}>
              <StatusMark tone={TONES[one.state] ?? "idle"}>
                <Link to={`/products/${product}/devices/${one.id}`}>{one.name ?? one.id}</Link>: {one.state}, {one.reasons.map(words).join(", ")}
              </StatusMark>{" "}
              <span className="quiet">version {one.firmware}, judged <TimeAgo at={one.judged_at} /></span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function words(name: string): string {
  return name.replace(/_(percent|ms|h|per_day)$/, "").replaceAll("_", " ");
}

/** Versions and groups side by side: which one does worse? */
export function Parts({ product, health }: { product: string; health: FleetHealth }) {
  const common: Column<FleetPart>[] = [
    { key: "devices", title: "Devices", num: true, cell: (one) => one.devices.toLocaleString() },
    { key: "trouble", title: "In trouble", num: true, cell: (one) => <Trouble part={one} /> },
    { key: "unhealthy", title: "Unhealthy", num: true, cell: (one) => (one.states["unhealthy"] ?? 0).toLocaleString() },
  ];
  const versions: Column<FleetPart>[] = [
    { key: "name", title: "Version", cell: (one) => <Link to={`/products/${product}/health?product_fw=${one.name}`}>{one.name === "0" ? "none" : `version ${one.name}`}</Link> },
    ...common,
    { key: "restarts", title: "Unasked restarts, 30 days", num: true, minor: true, cell: (one) => one.restarts.toLocaleString() },
    { key: "connects", title: "Sessions, 30 days", num: true, minor: true, cell: (one) => one.connects.toLocaleString() },
    { key: "updates", title: "Updates that succeeded", num: true, cell: (one) => successOf(one.updates) },
  ];
  const groups: Column<FleetPart>[] = [
    { key: "name", title: "Group", cell: (one) => <Link to={`/products/${product}/health?device_group=${encodeURIComponent(one.name)}`}>{one.name}</Link> },
    ...common,
    { key: "list", title: "List", cell: (one) => <Link to={`/products/${product}/devices?groups=${encodeURIComponent(one.name)}`} aria-label={`Devices of ${one.name}`}>devices</Link> },
  ];
  return (
    <>
      <h2>Which version does worse?</h2>
      <Table label="Health by version" columns={versions} rows={health.by_firmware} rowKey={(one) => one.name} />
      {health.by_group.length > 0 && (
        <>
          <h2>Which group does worse?</h2>
          <Table label="Health by group" columns={groups} rows={health.by_group} rowKey={(one) => one.name} />
        </>
      )}
    </>
  );
}

function Trouble({ part }: { part: FleetPart }) {
  const share = troubled(part.states);
  return <>{share === null ? "–" : percent(share)}</>;
}

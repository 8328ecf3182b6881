import { Link } from "wouter";
import type { Product } from "../../product/queries";
import { Chip, Connection, Copyable, shorten, StatusMark } from "../../ui/Marks";
import { type Column, type Sorting, Table } from "../../ui/Table";
import { TimeAgo } from "../../ui/Time";
import { Decide } from "./Decide";
import type { ProductDevice } from "./queries";
import { updateState } from "./rules";

interface Props {
  product: Product;
  devices: ProductDevice[];
  chosen: ReadonlySet<string>;
  onChoose: (chosen: ReadonlySet<string>) => void;
  sorting: Sorting;
  onSort: (next: Sorting) => void;
}

/** One page of devices; those that are chosen stay chosen over pages. */
export function DeviceTable({ product, devices, chosen, onChoose, sorting, onSort }: Props) {
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChoose(next);
  };
  const all = devices.every((one) => chosen.has(one.id));
  const toggleAll = () => {
    const next = new Set(chosen);
    for (const { id } of devices) {
      if (all) next.delete(id);
      else next.add(id);
    }
    onChoose(next);
  };
  const columns: Column<ProductDevice>[] = [
    { key: "choose", title: "", head: <input type="checkbox" aria-label={`Choose all ${devices.length} on this page`} checked={all} onChange={toggleAll} />, cell: (one) => <input type="checkbox" aria-label={`Choose ${one.name ?? one.id}`} checked={chosen.has(one.id)} onChange={() => toggle(one.id)} /> },
    { key: "name", title: "Name", sort: "deviceName", cell: (one) => <Link to={`/products/${product.slug}/devices/${one.id}`}>{one.name ?? shorten(one.id)}</Link> },
    { key: "state", title: "Connection", cell: (one) => <Connection online={one.online} heard={one.last_heard} /> },
    { key: "id", title: "Device ID", minor: true, sort: "deviceId", cell: (one) => <Copyable text={one.id} shown={shorten(one.id)} what="device ID" /> },
    { key: "runs", title: "Runs", num: true, sort: "firmwareVersion", cell: (one) => one.firmware_version || "–" },
    { key: "update", title: "Update", minor: true, cell: (one) => <Update device={one} /> },
    { key: "groups", title: "Groups", minor: true, cell: (one) => <span className="row">{one.groups.map((name) => <Chip key={name}>{name}</Chip>)}</span> },
    { key: "heard", title: "Last connected", minor: true, sort: "lastConnection", cell: (one) => <TimeAgo at={one.last_handshake_at} /> },
    { key: "act", title: "", cell: (one) => (one.quarantined || one.denied) && <Decide product={product.slug} device={one} /> },
  ];
  return <Table label="Devices" columns={columns} rows={devices} rowKey={(one) => one.id} sorting={sorting} onSort={onSort} />;
}

function Update({ device }: { device: ProductDevice }) {
  const { tone, text } = updateState(device);
  return <StatusMark tone={tone}>{text}</StatusMark>;
}

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import type { Product } from "../../product/queries";
import { Chip, Connection, Copyable, shorten, StatusMark } from "../../ui/Marks";
import type { Column, Sorting } from "../../ui/Table";
import { TimeAgo } from "../../ui/Time";
import { VirtualTable } from "../../ui/VirtualTable";
import { Decide } from "./Decide";
import { PER_PAGE, type ProductDevice, useDevicePages } from "./queries";
import { pagesInSight, updateState } from "./rules";

/** From the last scrolling until the address follows. */
const FOLLOW_MS = 400;

interface Props {
  product: Product;
  /** Filters and order, as the server takes them. */
  asked: URLSearchParams;
  total: number;
  /** The page, from 1, that stands first when the table appears. */
  page: number;
  onPage: (page: number) => void;
  chosen: ReadonlySet<string>;
  onChoose: (chosen: ReadonlySet<string>) => void;
  sorting: Sorting;
  onSort: (next: Sorting) => void;
}

/** All devices that were asked for; those in sight are loaded. What is chosen stays chosen out of sight. */
export function DeviceTable({ product, asked, total, page, onPage, chosen, onChoose, sorting, onSort }: Props) {
  const [start] = useState((page - 1) * PER_PAGE);
  const [sight, setSight] = useState<[number, number]>([start, start]);
  const pages = pagesInSight(sight, total, PER_PAGE);
  const loaded = useDevicePages(product.slug, asked, pages);
  const onSight = useCallback((first: number, last: number) => setSight([first, last]), []);
  useFollowing(Math.floor((sight[0] + sight[1]) / 2 / PER_PAGE) + 1, page, onPage);
  const rowAt = (place: number) => loaded.get(Math.floor(place / PER_PAGE) + 1)?.[place % PER_PAGE];
  const shown = useMemo(() => [...loaded.values()].flat(), [loaded]);
  const all = shown.length > 0 && shown.every((one) => chosen.has(one.id));
  const toggle = (ids: string[], on: boolean) => {
    const next = new Set(chosen);
    for (const id of ids) {
      if (on) next.add(id);
      else next.delete(id);
    }
    onChoose(next);
  };
  const columns: Column<ProductDevice>[] = [
    { key: "choose", title: "", width: "40px", head: <input type="checkbox" aria-label={`Choose the ${shown.length} devices around here`} checked={all} onChange={() => toggle(shown.map((one) => one.id), !all)} />, cell: (one) => <input type="checkbox" aria-label={`Choose ${one.name ?? one.id}`} checked={chosen.has(one.id)} onChange={() => toggle([one.id], !chosen.has(one.id))} /> },
    { key: "name", title: "Name", sort: "deviceName", cell: (one) => <Link to={`/products/${product.slug}/devices/${one.id}`}>{one.name ?? shorten(one.id)}</Link> },
    { key: "state", title: "Connection", width: "112px", cell: (one) => <Connection online={one.online} heard={one.last_heard} /> },
    { key: "id", title: "Device ID", width: "170px", minor: true, sort: "deviceId", cell: (one) => <Copyable text={one.id} shown={shorten(one.id)} what="device ID" /> },
    { key: "runs", title: "Runs", width: "64px", num: true, sort: "firmwareVersion", cell: (one) => one.firmware_version || "–" },
    { key: "update", title: "Update", width: "140px", minor: true, cell: (one) => <Update device={one} /> },
    { key: "groups", title: "Groups", width: "16%", minor: true, cell: (one) => <span title={one.groups.join(", ")}>{one.groups.map((name) => <Chip key={name}>{name}</Chip>)}</span> },
    { key: "heard", title: "Last connected", width: "148px", minor: true, sort: "lastConnection", cell: (one) => <TimeAgo at={one.last_handshake_at} /> },
    ...(asked.has("quarantined") || asked.has("denied") ? [{ key: "act", title: "", width: "190px", cell: (one: ProductDevice) => <Decide product={product.slug} device={one} /> }] : []),
  ];
  return <VirtualTable label="Devices" columns={columns} total={total} rowAt={rowAt} rowKey={(one) => one.id} onSight={onSight} start={start} sorting={sorting} onSort={onSort} />;
}

/** Lets the address follow what is in sight, but not more often than one can read it. */
function useFollowing(inSight: number, page: number, onPage: (page: number) => void): void {
  const follow = useRef(onPage);
  useEffect(() => {
    follow.current = onPage;
  });
  useEffect(() => {
    if (inSight === page) return undefined;
    const timer = setTimeout(() => follow.current(inSight), FOLLOW_MS);
    return () => clearTimeout(timer);
  }, [inSight, page]);
}

function Update({ device }: { device: ProductDevice }) {
  const { tone, text } = updateState(device);
  return <StatusMark tone={tone}>{text}</StatusMark>;
}

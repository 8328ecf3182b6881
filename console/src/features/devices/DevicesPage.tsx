import { useDeferredValue, useState } from "react";
import { Link } from "wouter";
import type { Device } from "../../device/queries";
import { platformName } from "../../state/boards";
import { useUrlState } from "../../state/url";
import { Button, ButtonLink } from "../../ui/Button";
import { Connection, Copyable, shorten } from "../../ui/Marks";
import { Page } from "../../ui/Page";
import { Empty, Loaded } from "../../ui/States";
import { type Column, Pager, Table } from "../../ui/Table";
import { TimeAgo } from "../../ui/Time";
import { ClaimDialog } from "./ClaimDialog";
import { useMyDevices } from "./queries";
import { isMeant } from "./rules";

const PER_PAGE = 50;

const COLUMNS: Column<Device>[] = [
  { key: "name", title: "Name", cell: (one) => <Link to={`/devices/${one.id}`}>{one.name ?? "unnamed"}</Link> },
  { key: "state", title: "Connection", cell: (one) => <Connection online={one.online} heard={one.last_heard} /> },
  { key: "id", title: "Device ID", minor: true, cell: (one) => <Copyable text={one.id} shown={shorten(one.id)} what="device ID" /> },
  { key: "platform", title: "Board", minor: true, cell: (one) => platformName(one.platform_id) },
  { key: "os", title: "Device OS", minor: true, cell: (one) => one.system_firmware_version ?? "–" },
  { key: "heard", title: "Last heard", cell: (one) => <TimeAgo at={one.last_heard} /> },
];

/** The devices that the person has claimed. */
export default function DevicesPage() {
  const devices = useMyDevices();
  const [url, change] = useUrlState();
  const [claiming, setClaiming] = useState(false);
  const search = useDeferredValue(url.get("search") ?? "");
  const state = url.get("state") ?? "";
  return (
    <Page title="My devices" actions={<Button kind="primary" onClick={() => setClaiming(true)}>Claim a device</Button>}>
      <ClaimDialog open={claiming} onClose={() => setClaiming(false)} />
      <Loaded query={devices} rows={8}>
        {(all) => {
          if (all.length === 0) return <NoDevices />;
          const meant = all.filter((one) => isMeant(one, search) && (state === "" || one.online === (state === "online")));
          const pages = Math.ceil(meant.length / PER_PAGE);
          const page = Math.min(Math.max(Number(url.get("page") ?? 1) || 1, 1), Math.max(pages, 1));
          return (
            <>
              <div className="filters" role="search">
                <input className="input" type="search" aria-label="Search name, ID or serial number" placeholder="Name, ID or serial number" value={url.get("search") ?? ""} onChange={(event) => change({ search: event.target.value, page: null })} />
                <select className="input" aria-label="Connection" value={state} onChange={(event) => change({ state: event.target.value, page: null })}>
                  <option value="">All</option><option value="online">Online</option><option value="offline">Offline</option>
                </select>
              </div>
              {meant.length === 0 ? (
                <Empty title="Nothing matches"><Button onClick={() => change({ search: null, state: null, page: null })}>Clear the filters</Button></Empty>
              ) : (
                <Table label="My devices" columns={COLUMNS} rows={meant.slice((page - 1) * PER_PAGE, page * PER_PAGE)} rowKey={(one) => one.id} />
              )}
              <Pager page={page} pages={pages} onPage={(next) => change({ page: String(next) })} summary={`${meant.length.toLocaleString()} devices`} />
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

function NoDevices() {
  return (
    <Empty title="No device is yours yet">
      <p className="quiet">Give a board this server's key and address once over USB; then claim it here while it is online. Or let the server run a simulated one for you:</p>
      <ButtonLink kind="primary" to="/home">Bring a first device online</ButtonLink>
    </Empty>
  );
}

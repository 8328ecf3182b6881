import { useState } from "react";
import { ProductFrame } from "../../product/Frame";
import type { Product } from "../../product/queries";
import { useUrlState } from "../../state/url";
import { Button } from "../../ui/Button";
import { Empty, Loaded } from "../../ui/States";
import type { Sorting } from "../../ui/Table";
import { MOST_ROWS } from "../../ui/VirtualTable";
import { BulkBar } from "./BulkBar";
import { DeviceTable } from "./DeviceTable";
import { ImportDialog } from "./ImportDialog";
import { Imports } from "./Imports";
import { useProductDevices } from "./queries";
import { searchParameter } from "./rules";

/** The devices of a product: found, sorted, chosen, brought in. */
export default function ProductDevicesPage() {
  const [importing, setImporting] = useState(false);
  return (
    <ProductFrame title="Devices" actions={() => <Button needs="devices:import" kind="primary" onClick={() => setImporting(true)}>Import devices</Button>}>
      {(product) => (
        <>
          <ImportDialog product={product} open={importing} onClose={() => setImporting(false)} />
          <Imports product={product.slug} />
          <List product={product} onImport={() => setImporting(true)} />
        </>
      )}
    </ProductFrame>
  );
}

function List({ product, onImport }: { product: Product; onImport: () => void }) {
  const [url, change] = useUrlState();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const page = Math.max(1, Number(url.get("page") ?? 1) || 1);
  const sorting: Sorting = { by: url.get("sort") ?? "lastConnection", descending: (url.get("dir") ?? "desc") === "desc" };
  const standing = url.get("standing") ?? (url.get("quarantined") ? "quarantined" : "");
  const asked = new URLSearchParams({ sortAttr: sorting.by, sortDir: sorting.descending ? "desc" : "asc" });
  const search = url.get("search") ?? "";
  const firmware = url.get("firmware") ?? "";
  if (search) asked.set(...searchParameter(search));
  if (url.get("groups")) asked.set("groups", url.get("groups") ?? "");
  if (firmware) asked.set("firmwareVersion", firmware);
  if (standing) asked.set(standing, "true");
  const list = asked.toString();
  const query = useProductDevices(product.slug, asked, page);
  const filtered = Boolean(search || url.get("groups") || standing || firmware);
  return (
    <>
      <div className="filters" role="search">
        <input className="input" type="search" aria-label="Search by name or device ID" placeholder="Name or device ID" value={search} onChange={(event) => change({ search: event.target.value, page: null })} />
        <select className="input" aria-label="Group" value={url.get("groups") ?? ""} onChange={(event) => change({ groups: event.target.value, page: null })}>
          <option value="">All groups</option>
          {product.groups.map((name) => <option key={name}>{name}</option>)}
        </select>
        <select className="input" aria-label="Standing" value={standing} onChange={(event) => change({ standing: event.target.value, quarantined: null, page: null })}>
          <option value="">Members</option>
          <option value="quarantined">In quarantine ({product.quarantined_count})</option>
          <option value="denied">Denied ({product.denied_count})</option>
          <option value="development">Development</option>
        </select>
        {firmware && <button type="button" className="button" onClick={() => change({ firmware: null, page: null })}>Runs version {firmware} ×</button>}
      </div>
      <BulkBar product={product} chosen={chosen} onDone={() => setChosen(new Set())} />
      <Loaded query={query} rows={10}>
        {({ meta: { total_devices: total } }) => total === 0 ? <Nothing filtered={filtered} onClear={() => change({ search: null, groups: null, standing: null, quarantined: null, firmware: null, page: null })} onImport={onImport} /> : (
          <div className="stack tight">
            <p className="quiet" role="status">{total.toLocaleString()} {total === 1 ? "device" : "devices"}{filtered && " match"}{total > MOST_ROWS && `; the first ${MOST_ROWS.toLocaleString()} in this order are shown, a search finds the others`}</p>
            <DeviceTable key={list} product={product} asked={asked} total={total} page={page} onPage={(next) => change({ page: next === 1 ? null : String(next) })} chosen={chosen} onChoose={setChosen} sorting={sorting} onSort={(next) => change({ sort: next.by, dir: next.descending ? "desc" : "asc", page: null })} />
          </div>
        )}
      </Loaded>
    </>
  );
}

function Nothing({ filtered, onClear, onImport }: { filtered: boolean; onClear: () => void; onImport: () => void }) {
  if (filtered) return <Empty title="Nothing matches"><Button onClick={onClear}>Clear the filters</Button></Empty>;
  return (
    <Empty title="There are no devices yet">
      <p className="quiet">Import the IDs of your devices, before or after they were ever switched on. Only imported devices count as yours.</p>
      <Button needs="devices:import" kind="primary" onClick={onImport}>Import devices</Button>
    </Empty>
  );
}

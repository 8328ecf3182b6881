import { useState } from "react";
import { Link } from "wouter";
import { type Product, useProducts } from "../../product/queries";
import { platformName } from "../../state/boards";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";
import { Empty, Loaded } from "../../ui/States";
import { type Column, Table } from "../../ui/Table";
import { CreateProduct } from "./CreateProduct";

const COLUMNS: Column<Product>[] = [
  { key: "name", title: "Product", cell: (one) => <Link to={`/products/${one.slug}`}>{one.name}</Link> },
  { key: "devices", title: "Devices", num: true, cell: (one) => one.device_count.toLocaleString() },
  { key: "quarantine", title: "In quarantine", num: true, minor: true, cell: (one) => one.quarantined_count.toLocaleString() },
  { key: "board", title: "Board", minor: true, cell: (one) => platformName(one.platform_id) },
  { key: "owner", title: "Organization", minor: true, cell: (one) => one.org ?? "–" },
  { key: "id", title: "Number", num: true, minor: true, cell: (one) => one.id },
];

/** The fleets that the person reaches. */
export default function ProductsPage() {
  const products = useProducts();
  const [creating, setCreating] = useState(false);
  return (
    <Page title="Products" actions={<Button kind="primary" onClick={() => setCreating(true)}>Create a product</Button>}>
      <CreateProduct open={creating} onClose={() => setCreating(false)} />
      <Loaded query={products} rows={4}>
        {(all) => all.length === 0 ? (
          <Empty title="There is no product yet">
            <p className="quiet">A product is a fleet of devices of one kind: the right devices in it, and the right firmware on each. Its devices are named by their IDs, so that nobody else's can pass for them.</p>
            <Button kind="primary" onClick={() => setCreating(true)}>Create a product</Button>
          </Empty>
        ) : <Table label="Products" columns={COLUMNS} rows={all} rowKey={(one) => String(one.id)} />}
      </Loaded>
    </Page>
  );
}

import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { api, ask, take } from "../../api/client";
import { ProductFrame } from "../../product/Frame";
import type { Product } from "../../product/queries";
import { useUrlState } from "../../state/url";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/Dialog";
import { Connection } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { Card } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { Pager, Table } from "../../ui/Table";
import { say, sayError } from "../../ui/Toast";
import { Clients } from "./Clients";
import { CreateCustomer } from "./CreateCustomer";

const PER_PAGE = 50;

/** The people who bought devices of a product, and the apps that sign them in. */
export default function CustomersPage() {
  const [creating, setCreating] = useState(false);
  return (
    <ProductFrame title="Customers" actions={() => <Button needs="customers:create" kind="primary" onClick={() => setCreating(true)}>Create a customer</Button>}>
      {(product) => (
        <>
          <CreateCustomer product={product.slug} open={creating} onClose={() => setCreating(false)} />
          <Customers product={product} />
          <Clients product={product} />
        </>
      )}
    </ProductFrame>
  );
}

function Customers({ product }: { product: Product }) {
  const [url, change] = useUrlState();
  const queries = useQueryClient();
  const [leaving, setLeaving] = useState<{ username: string; devices: number } | null>(null);
  const page = Math.max(1, Number(url.get("page") ?? 1) || 1);
  const query = useQuery({
    queryKey: ["customers", product.slug, page],
    queryFn: () => take(api.GET("/v1/products/{product}/customers", { params: { path: { product: product.slug }, query: { page: String(page), per_page: String(PER_PAGE) } } })),
    placeholderData: keepPreviousData,
  });
  const sendReset = async (username: string) => {
    try {
      await ask(`/v1/products/${product.slug}/customers/${encodeURIComponent(username)}/password-reset`, { method: "POST" });
      say(`A letter is on its way to ${username}`);
    } catch (error) {
      sayError("No letter was sent", error);
    }
  };
  return (
    <Card title="Customers">
      <Loaded query={query} rows={4}>
        {({ customers, devices, meta }) => {
          if (customers.length === 0) return <p className="quiet">There are no customers. Most products need none: devices that nobody claims work too, and your own server knows your customers.</p>;
          const byId = new Map(devices.map((one) => [one.id, one]));
          return (
            <div className="stack">
              <Table label="Customers" rows={customers} rowKey={(one) => one.id} columns={[
                { key: "name", title: "Customer", cell: (one) => <span className="wrap-any">{one.username}</span> },
                { key: "devices", title: "Devices", cell: (one) => <ul>{one.devices.map((id) => <li key={id} className="row"><Link to={`/products/${product.slug}/devices/${id}`} className="mono">{id}</Link><Connection online={byId.get(id)?.online ?? false} heard={id} /></li>)}</ul> },
                { key: "act", title: "", cell: (one) => <Menu label={`Actions for ${one.username}`} items={[{ label: "Send a letter for a new password", act: () => void sendReset(one.username) }, { label: "Delete", needs: "customers:remove", danger: true, act: () => setLeaving({ username: one.username, devices: one.devices.length }) }]} /> },
              ]} />
              <Pager page={page} pages={meta.total_pages} onPage={(next) => change({ page: String(next) })} />
            </div>
          );
        }}
      </Loaded>
      {leaving && (
        <ConfirmDialog open onClose={() => setLeaving(null)} title={`Delete ${leaving.username}?`} verb="Delete the customer" act={async () => {
          await ask(`/v1/products/${product.slug}/customers/${encodeURIComponent(leaving.username)}`, { method: "DELETE" });
          await queries.invalidateQueries({ queryKey: ["customers", product.slug] });
          say("The customer was deleted");
        }}>
          <p>Their sign-ins and claim codes end, and {leaving.devices} {leaving.devices === 1 ? "device has" : "devices have"} no owner any more.</p>
        </ConfirmDialog>
      )}
    </Card>
  );
}

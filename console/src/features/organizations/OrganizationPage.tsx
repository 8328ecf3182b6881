import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, take } from "../../api/client";
import { OrganizationFrame } from "../../organization/Frame";
import type { Organization } from "../../organization/queries";
import { Facts, Card } from "../../ui/Page";
import { Empty, Loaded } from "../../ui/States";
import { Table } from "../../ui/Table";

/** An organization: its products, its plan, your role. */
export default function OrganizationPage() {
  return <OrganizationFrame>{(one) => <Shown organization={one} />}</OrganizationFrame>;
}

function Shown({ organization }: { organization: Organization }) {
  const query = useQuery({
    queryKey: ["organizations", organization.slug, "products"],
    queryFn: async () => (await take(api.GET("/v1/orgs/{org}/products", { params: { path: { org: organization.slug } } }))).products,
  });
  return (
    <>
      <Card title="This organization"><Facts rows={[["Plan", organization.plan], ["Your role", organization.role], ["Second factor", organization.mfa_required ? "required of everybody" : "left to each person"]]} /></Card>
      <Loaded query={query} rows={3}>
        {(all) => all.length === 0 ? <Empty title="It has no product yet"><p className="quiet">Create one on the page Products, or move one here in that product's settings.</p></Empty> : (
          <Table label="Products" rows={all} rowKey={(one) => String(one.id)} columns={[
            { key: "name", title: "Product", cell: (one) => <Link to={`/products/${one.slug}`}>{one.name}</Link> },
            { key: "devices", title: "Devices", num: true, cell: (one) => one.device_count.toLocaleString() },
          ]} />
        )}
      </Loaded>
    </>
  );
}

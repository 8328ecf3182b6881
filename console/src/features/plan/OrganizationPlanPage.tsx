import { useQuery } from "@tanstack/react-query";
import { api, take } from "../../api/client";
import { OrganizationFrame } from "../../organization/Frame";
import type { Organization } from "../../organization/queries";
import { Loaded } from "../../ui/States";
import { PlanPanel } from "./PlanPanel";

/** The plan of an organization. */
export default function OrganizationPlanPage() {
  return <OrganizationFrame title="Plan and usage">{(one) => <Shown organization={one} />}</OrganizationFrame>;
}

function Shown({ organization }: { organization: Organization }) {
  const query = useQuery({
    queryKey: ["organizations", organization.slug, "products"],
    queryFn: async () => (await take(api.GET("/v1/orgs/{org}/products", { params: { path: { org: organization.slug } } }))).products,
  });
  return <Loaded query={query} rows={4}>{(products) => <PlanPanel base={`/v1/orgs/${organization.slug}`} owner={organization.slug} products={products} />}</Loaded>;
}

import { useProducts } from "../../product/queries";
import { useOwnId, useSession } from "../../state/session";
import { Page } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { PlanPanel } from "./PlanPanel";

/** The person's own plan; organizations have their own. */
export default function PlanPage() {
  const session = useSession();
  const ownId = useOwnId();
  const products = useProducts();
  return (
    <Page title="Plan and usage">
      <Loaded query={products} rows={4}>
        {(all) => <PlanPanel base="/v1/user" owner={session.data?.username ?? "EMAIL"} products={all.filter((one) => one.user === ownId)} />}
      </Loaded>
    </Page>
  );
}

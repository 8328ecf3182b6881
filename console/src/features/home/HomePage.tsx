import { Link } from "wouter";
import { useAlertCounts, useProducts } from "../../product/queries";
import { StatusMark } from "../../ui/Marks";
import { Card, Page, Tiles } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { LiveEvents } from "../../ui/live/LiveEvents";
import { FirstDevice } from "./FirstDevice";
import { RunningSimulatedDevice } from "./SimulatedDevice";
import { useHomeDevices } from "./queries";
import { firingIn } from "./rules";

/** What needs the person now; for a new account the way to its first device. */
export default function HomePage() {
  const devices = useHomeDevices();
  const products = useProducts();
  const alerts = useAlertCounts();
  const firing = firingIn(products.data ?? [], alerts.data ?? []);
  return (
    <Page title="Home">
      <Loaded query={devices} rows={2}>
        {(all) => (
          <Loaded query={products} rows={2}>
            {(fleets) => all.length === 0 && fleets.length === 0 ? <FirstDevice /> : (
              <>
                <Tiles rows={[
                  ["My devices", <Link key="d" to="/devices">{all.length.toLocaleString()}</Link>],
                  ["Online now", <Link key="o" to="/devices?state=online">{all.filter((one) => one.online).length.toLocaleString()}</Link>],
                  ["In safe mode", all.filter((one) => one.status === "safe_mode").length.toLocaleString()],
                  ["Products", <Link key="p" to="/products">{fleets.length.toLocaleString()}</Link>],
                  ["In quarantine", fleets.reduce((sum, one) => sum + one.quarantined_count, 0).toLocaleString()],
                  ["Open alerts", alerts.data ? alerts.data.reduce((sum, one) => sum + one.open, 0).toLocaleString() : "–"],
                ]} />
                {firing.length > 0 && (
                  <Card title="What fires now?">
                    <ul className="stack tight">
                      {firing.map(({ product, open }) => (
                        <li key={product.id}><StatusMark tone="bad"><Link to={`/products/${product.slug}/alerts`}>{product.name}</Link>: {open.toLocaleString()} open {open === 1 ? "alert" : "alerts"}</StatusMark></li>
                      ))}
                    </ul>
                  </Card>
                )}
                {all.some((one) => one.online) && fleets.length === 0 && (
                  <Card title="Next">
                    <p>A device is online. <Link to="/devices">Call its functions and read its variables</Link>, or <Link to="/products">make a product</Link> to bring firmware to many.</p>
                  </Card>
                )}
                <RunningSimulatedDevice />
                <Card title="What devices say now"><LiveEvents filter={{}} /></Card>
              </>
            )}
          </Loaded>
        )}
      </Loaded>
    </Page>
  );
}

import { Link } from "wouter";
import { useProducts } from "../../product/queries";
import { Card, Page, Tiles } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { LiveEvents } from "../../ui/live/LiveEvents";
import { FirstDevice } from "./FirstDevice";
import { useHomeDevices } from "./queries";

/** What needs the person now; for a new account the way to its first device. */
export default function HomePage() {
  const devices = useHomeDevices();
  const products = useProducts();
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
                ]} />
                {all.some((one) => one.online) && fleets.length === 0 && (
                  <Card title="Next">
                    <p>A device is online. <Link to="/devices">Call its functions and read its variables</Link>, or <Link to="/products">make a product</Link> to bring firmware to many.</p>
                  </Card>
                )}
                <Card title="What devices say now"><LiveEvents filter={{}} /></Card>
              </>
            )}
          </Loaded>
        )}
      </Loaded>
    </Page>
  );
}

import { Link } from "wouter";
import { Card, Page, Tiles } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { LiveEvents } from "../../ui/live/LiveEvents";
import { useHomeDevices } from "./queries";

/** What needs the person now. */
export default function HomePage() {
  const devices = useHomeDevices();
  return (
    <Page title="Home">
      <Loaded query={devices} rows={2}>
        {(all) => (
          <Tiles rows={[
            ["My devices", <Link key="d" to="/devices">{all.length.toLocaleString()}</Link>],
            ["Online now", <Link key="o" to="/devices?state=online">{all.filter((one) => one.online).length.toLocaleString()}</Link>],
            ["In safe mode", all.filter((one) => one.status === "safe_mode").length.toLocaleString()],
          ]} />
        )}
      </Loaded>
      <Card title="What devices say now"><LiveEvents filter={{}} /></Card>
    </Page>
  );
}

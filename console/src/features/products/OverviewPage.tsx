import { Link } from "wouter";
import { ProductFrame } from "../../product/Frame";
import type { Product } from "../../product/queries";
import { platformName } from "../../state/boards";
import { Card, Command, Facts, Tiles } from "../../ui/Page";
import { TimeAgo } from "../../ui/Time";
import { OpenAlerts, OpenRollouts, RunningVersions } from "./Now";

/** One fleet at a glance. */
export default function OverviewPage() {
  return <ProductFrame>{(product) => <Overview product={product} />}</ProductFrame>;
}

function Overview({ product }: { product: Product }) {
  const at = `/products/${product.slug}`;
  return (
    <>
      <Tiles rows={[
        ["Devices", <Link key="d" to={`${at}/devices`}>{product.device_count.toLocaleString()}</Link>],
        ["In quarantine", <Link key="q" to={`${at}/devices?quarantined=true`}>{product.quarantined_count.toLocaleString()}</Link>],
        ["Open alerts", <OpenAlerts key="a" product={product.slug} />],
        ["Groups", <Link key="g" to={`${at}/groups`}>{product.groups.length.toLocaleString()}</Link>],
      ]} />
      {product.device_count === 0 ? <FirstSteps product={product} /> : (
        <div className="cards">
          <RunningVersions product={product} />
          <OpenRollouts product={product.slug} />
        </div>
      )}
      <Card title="This product">
        <Facts rows={[
          ["Number", product.id],
          ["Address name", <code key="s">{product.slug}</code>],
          ["Board", platformName(product.platform_id)],
          ["Description", product.description || "–"],
          ["Created", <TimeAgo key="c" at={product.created_at} />],
        ]} />
      </Card>
    </>
  );
}

function FirstSteps({ product }: { product: Product }) {
  return (
    <Card title="First steps">
      <ol className="stack">
        <li><strong>1. Bring devices in.</strong> <Link to={`/products/${product.slug}/devices`}>Import their IDs</Link>, or with the official command line:<Command>{`particle product device add ${product.id} DEVICE_ID`}</Command></li>
        <li><strong>2. Upload firmware</strong> that names its version, on the page <Link to={`/products/${product.slug}/firmware`}>Firmware</Link>.</li>
        <li><strong>3. Try it on one device</strong>: lock that device to the version, and wait until it is back.</li>
        <li><strong>4. Release it</strong> to a group, then to all.</li>
      </ol>
    </Card>
  );
}

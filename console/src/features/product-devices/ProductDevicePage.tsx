import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation, useParams } from "wouter";
import { ask } from "../../api/client";
import { useStream } from "../../api/live";
import { HealthCheck } from "../../device/HealthCheck";
import { NameAndNotes } from "../../device/NameAndNotes";
import { Talk } from "../../device/Talk";
import { Vitals } from "../../device/Vitals";
import { useProduct, type Product } from "../../product/queries";
import { platformName } from "../../state/boards";
import { RightsWithin } from "../../state/rights";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/Dialog";
import { LiveEvents } from "../../ui/live/LiveEvents";
import { Chip, Connection, Copyable } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { Card, Facts, Page } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { TimeAgo } from "../../ui/Time";
import { say, sayError } from "../../ui/Toast";
import { Decide } from "./Decide";
import { FirmwareTarget } from "./FirmwareTarget";
import { GroupsDialog } from "./GroupsDialog";
import { LockDialog } from "./LockDialog";
import { type ProductDevice, useProductDevice, useProductDevicesAct } from "./queries";
import { UpdateHistory } from "./UpdateHistory";

/** One device of a product: how it is, what it runs and why, what it says. */
export default function ProductDevicePage() {
  const { product: ref = "", device: id = "" } = useParams<{ product: string; device: string }>();
  const product = useProduct(ref);
  const device = useProductDevice(ref, id);
  return (
    <Loaded query={product} title="Device">
      {(one) => (
        <RightsWithin permissions={one.permissions}>
          <Loaded query={device} title="Device">{(found) => <Shown product={one.product} device={found} />}</Loaded>
        </RightsWithin>
      )}
    </Loaded>
  );
}

type Layer = "name" | "groups" | "lock" | "remove" | null;

function Shown({ product, device }: { product: Product; device: ProductDevice }) {
  const at = `/v1/products/${product.slug}/devices/${device.id}`;
  const act = useProductDevicesAct(product.slug);
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const [layer, setLayer] = useState<Layer>(null);
  const name = device.name ?? device.id;
  const close = () => setLayer(null);
  const refresh = () => {
    void queries.invalidateQueries({ queryKey: ["devices", "product", product.slug, "one", device.id] });
    void queries.invalidateQueries({ queryKey: ["firmware-target", product.slug, device.id] });
  };
  useStream({ product: product.slug, device: device.id, prefix: "spark/" }, refresh, product.id);
  const doing = async (done: string, method: "PUT" | "DELETE", path: string, body: unknown) => {
    try {
      await act(method, `/${device.id}${path}`, body);
      say(done);
    } catch (error) {
      sayError("It was not done", error);
    }
  };
  return (
    <Page
      title={name}
      crumbs={[{ to: "/products", label: "Products" }, { to: `/products/${product.slug}`, label: product.name }, { to: `/products/${product.slug}/devices`, label: "Devices" }]}
      beside={<><Connection online={device.online} heard={device.last_heard} />{device.development && <Chip tone="look">development</Chip>}{device.quarantined && <Chip tone="look">in quarantine</Chip>}{device.denied && <Chip tone="bad">denied</Chip>}</>}
      actions={
        <>
          {(device.quarantined || device.denied) && <Decide product={product.slug} device={device} />}
          <Button needs="devices:update" onClick={() => setLayer("lock")}>{device.desired_firmware_version === null ? "Lock to a version" : "Change the lock"}</Button>
          <Menu label={`Actions for ${name}`} items={[
            { label: "Edit name and notes", needs: "devices:update", act: () => setLayer("name") },
            { label: "Edit groups", needs: "devices:update", act: () => setLayer("groups") },
            { label: device.development ? "Unmark development" : "Mark for development", needs: "devices:update", act: () => void doing("Changed", "PUT", "", { development: !device.development }) },
            { label: device.firmware_updates_forced ? "Do not force updates" : "Force updates", needs: "devices:update", act: () => void doing("Changed", "PUT", "", { firmware_updates_forced: !device.firmware_updates_forced }) },
            { label: "Signal on", needs: "devices:signal", act: () => void doing("The device signals", "PUT", "", { signal: 1 }), disabled: !device.online },
            { label: "Signal off", needs: "devices:signal", act: () => void doing("The signal is off", "PUT", "", { signal: 0 }), disabled: !device.online },
            device.owner !== null && { label: "End its ownership", needs: "devices:release", danger: true, act: () => void doing("Nobody owns it now", "DELETE", "/owner", undefined) },
            { label: "Remove from the product", needs: "devices:remove", danger: true, act: () => setLayer("remove") },
          ]} />
        </>
      }
    >
      <NameAndNotes device={device} at={at} open={layer === "name"} onClose={close} />
      {layer === "groups" && <GroupsDialog product={product} device={device} onClose={close} />}
      {layer === "lock" && <LockDialog product={product.slug} device={device} onClose={close} />}
      <ConfirmDialog open={layer === "remove"} onClose={close} title={`Remove ${name}?`} verb="Remove the device" act={async () => {
        await ask(at, { method: "DELETE" });
        navigate(`/products/${product.slug}/devices`);
        // Only what is shown next is asked again: this device is no longer there to be asked for.
        for (const key of ["devices", "products", "groups"]) void queries.invalidateQueries({ queryKey: [key], refetchType: "none" });
        say("The device was removed");
      }}>
        <p>It leaves {product.name} with its groups and locks{device.owner !== null && `, and ${device.owner} does not own it any more`}. It gets no firmware of this product, and may be imported again.</p>
      </ConfirmDialog>
      {device.wrong_product_id && <p className="note bad">Its firmware names product {device.firmware_product_id}, not {product.id}. Until one of the two is put right it gets no firmware here and its events reach nobody.</p>}
      <div className="cards">
        <FirmwareTarget product={product.slug} device={device} />
        <Card title="Identity">
          <Facts rows={[
            ["Device ID", <Copyable key="id" text={device.id} what="device ID" />],
            ["Board", platformName(device.platform_id)],
            ["Serial number", device.serial_number],
            ["Owner", device.owner],
            ["Groups", <span key="g" className="row">{device.groups.map((one) => <Chip key={one}>{one}</Chip>)}</span>],
            ["Device OS", device.system_firmware_version],
            ["Mode", device.status === "safe_mode" ? "safe mode: it runs without its application" : "normal"],
            ["Notes", device.notes],
            ["Imported", <TimeAgo key="i" at={device.imported_at} />],
            ["In service since", <TimeAgo key="s" at={device.first_connected_at} none="not yet connected" />],
            ["Last heard", <TimeAgo key="h" at={device.last_heard} />],
            ["Last full handshake", <TimeAgo key="l" at={device.last_handshake_at} />],
            ["Address", device.last_ip_address],
          ]} />
        </Card>
      </div>
      <HealthCheck device={device} within={`/products/${product.slug}`} />
      <Talk device={device} at={at} />
      <UpdateHistory product={product.slug} device={device.id} />
      <Vitals device={device} at={`/v1/products/${product.slug}/diagnostics/${device.id}`} />
      <Card title="Events"><LiveEvents filter={{ product: product.slug, device: device.id }} productId={product.id} /></Card>
    </Page>
  );
}

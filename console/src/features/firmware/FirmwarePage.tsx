import { useState } from "react";
import { Link } from "wouter";
import { ProductFrame } from "../../product/Frame";
import type { Product } from "../../product/queries";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/Dialog";
import { Chip, StatusMark } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { Command } from "../../ui/Page";
import { Empty, Loaded } from "../../ui/States";
import { type Column, Table } from "../../ui/Table";
import { TimeAgo } from "../../ui/Time";
import { say } from "../../ui/Toast";
import { EditDialog } from "./EditDialog";
import { useFirmwareAct, useVersions, type Version } from "./queries";
import { ReleaseDialog } from "./ReleaseDialog";
import { Releases } from "./Releases";
import { formatBytes, isDeletable, nextVersion, releasedTo } from "./rules";
import { UploadDialog } from "./UploadDialog";

/** The versions of a product's firmware: what runs where, what is released to whom. */
export default function FirmwarePage() {
  const [uploading, setUploading] = useState(false);
  return (
    <ProductFrame title="Firmware" actions={() => <Button needs="firmware:create" kind="primary" onClick={() => setUploading(true)}>Upload a version</Button>}>
      {(product) => <Versions product={product} uploading={uploading} onUploaded={() => setUploading(false)} />}
    </ProductFrame>
  );
}

type Chosen = { what: "release" | "edit" | "delete"; version: Version } | null;

function Versions({ product, uploading, onUploaded }: { product: Product; uploading: boolean; onUploaded: () => void }) {
  const query = useVersions(product.slug);
  const act = useFirmwareAct(product.slug);
  const [chosen, setChosen] = useState<Chosen>(null);
  const close = () => setChosen(null);
  const columns: Column<Version>[] = [
    { key: "version", title: "Version", num: true, cell: (one) => <strong>{one.version}</strong> },
    { key: "title", title: "Title", cell: (one) => <span className="wrap-any">{one.title || one.name}</span> },
    { key: "released", title: "Released to", cell: (one) => <ReleasedTo version={one} /> },
    { key: "devices", title: "Devices run it", num: true, cell: (one) => <Link to={`/products/${product.slug}/devices?firmware=${one.version}`}>{one.device_count.toLocaleString()}</Link> },
    { key: "proven", title: "Proven", minor: true, cell: (one) => one.proven_at ? <StatusMark tone="good">ran on a device</StatusMark> : <StatusMark tone="idle">not yet</StatusMark> },
    { key: "size", title: "Size", num: true, minor: true, cell: (one) => formatBytes(one.size) },
    { key: "when", title: "Uploaded", minor: true, cell: (one) => <TimeAgo at={one.uploaded_on} /> },
    { key: "act", title: "", cell: (one) => (
      <Menu label={`Actions for version ${one.version}`} items={[
        { label: "Release", needs: "firmware:release", act: () => setChosen({ what: "release", version: one }) },
        { label: "Edit title and description", needs: "firmware:update", act: () => setChosen({ what: "edit", version: one }) },
        { label: "Download", needs: "firmware.binary:get", act: () => window.location.assign(`/v1/products/${product.slug}/firmware/${one.version}/binary`) },
        isDeletable(one) && { label: "Delete", needs: "firmware:remove", danger: true, act: () => setChosen({ what: "delete", version: one }) },
      ]} />
    ) },
  ];
  return (
    <Loaded query={query} rows={5}>
      {(versions) => (
        <>
          {versions.length === 0 ? <NoFirmware platform={product.platform_id} /> : <Table label="Versions" columns={columns} rows={versions} rowKey={(one) => String(one.version)} />}
          <Releases product={product.slug} />
          <UploadDialog product={product} open={uploading} next={nextVersion(versions)} onClose={onUploaded} />
          {chosen?.what === "release" && <ReleaseDialog product={product} version={chosen.version} onClose={close} />}
          {chosen?.what === "edit" && <EditDialog product={product.slug} version={chosen.version} onClose={close} />}
          {chosen?.what === "delete" && (
            <ConfirmDialog open onClose={close} title={`Delete version ${chosen.version.version}?`} verb="Delete the version" act={async () => {
              await act("DELETE", `/${chosen.version.version}`);
              say("The version was deleted");
            }}>
              <p>Its file is deleted. It was never released, so no device is sent anything else because of this. Its number can be used again.</p>
            </ConfirmDialog>
          )}
        </>
      )}
    </Loaded>
  );
}

function ReleasedTo({ version }: { version: Version }) {
  const to = releasedTo(version);
  if (to.length === 0) return <span className="quiet">nobody</span>;
  return <span className="row">{to.map((one) => <Chip key={one} tone="work">{one}</Chip>)}{version.intelligent && <Chip>intelligent</Chip>}</span>;
}

function NoFirmware({ platform }: { platform: number }) {
  return (
    <Empty title="There is no firmware yet">
      <p className="quiet">Build your application with its version in it, and upload the binary. Without a compiler at hand, make one for a simulated device:</p>
      <Command>{`roadstead firmware build-image v1.bin --platform ${platform} --version 1`}</Command>
    </Empty>
  );
}

import { Page } from "../../ui/Page";
import { GalleryPanel } from "./GalleryPanel";

/** What can be told of the person's own devices, and how. */
export default function GalleryPage() {
  return <Page title="Add an integration" crumbs={[{ to: "/integrations", label: "Integrations" }]}><GalleryPanel base="/v1" at="" /></Page>;
}

import { OrganizationFrame } from "../../organization/Frame";
import { GalleryPanel } from "./GalleryPanel";

/** What can be told of all devices of an organization, and how. */
export default function OrganizationGalleryPage() {
  return <OrganizationFrame title="Add an integration">{(one) => <GalleryPanel base={`/v1/orgs/${one.slug}`} at={`/organizations/${one.slug}`} />}</OrganizationFrame>;
}

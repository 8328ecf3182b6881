import { ProductFrame } from "../../product/Frame";
import { GalleryPanel } from "./GalleryPanel";

/** What can be told of a product's devices, and how. */
export default function ProductGalleryPage() {
  return <ProductFrame title="Add an integration" crumb={{ part: "integrations", label: "Integrations" }}>{(one) => <GalleryPanel base={`/v1/products/${one.slug}`} at={`/products/${one.slug}`} />}</ProductFrame>;
}

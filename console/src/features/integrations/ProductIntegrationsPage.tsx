import { ProductFrame } from "../../product/Frame";
import { IntegrationsPanel } from "./IntegrationsPanel";

/** The integrations of a product. */
export default function ProductIntegrationsPage() {
  return <ProductFrame title="Integrations">{(one) => <IntegrationsPanel base={`/v1/products/${one.slug}`} at={`/products/${one.slug}`} />}</ProductFrame>;
}

import { useParams } from "wouter";
import { ProductFrame } from "../../product/Frame";
import { IntegrationPanel } from "./IntegrationPanel";

/** One integration of a product. */
export default function ProductIntegrationPage() {
  const { integration = "" } = useParams<{ integration: string }>();
  return <ProductFrame title="Integration">{(one) => <IntegrationPanel base={`/v1/products/${one.slug}`} at={`/products/${one.slug}`} id={integration} />}</ProductFrame>;
}

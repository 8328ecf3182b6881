import { ProductFrame } from "../../product/Frame";
import { AuditPanel } from "./AuditPanel";

/** Who changed what of a product. */
export default function ProductAuditPage() {
  return <ProductFrame title="Audit">{(one) => <AuditPanel base={`/v1/products/${one.slug}`} />}</ProductFrame>;
}

import { ProductFrame } from "../../product/Frame";
import { TeamPanel } from "./TeamPanel";

/** The team of a product. */
export default function ProductTeamPage() {
  return <ProductFrame title="Team">{(product) => <TeamPanel scope={`products/${product.slug}`} name={product.name} />}</ProductFrame>;
}

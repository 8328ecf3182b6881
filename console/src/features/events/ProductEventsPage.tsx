import { ProductFrame } from "../../product/Frame";
import { EventsPanel } from "./EventsPanel";

/** What the devices of a product say, and said. */
export default function ProductEventsPage() {
  return (
    <ProductFrame title="Events">
      {(product) => <EventsPanel filter={{ product: product.slug }} productId={product.id} history={`/v1/products/${product.slug}/event_history`} publish={`/v1/products/${product.slug}/events`} />}
    </ProductFrame>
  );
}

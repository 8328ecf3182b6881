import type { StreamEvent } from "./stream";

/** What a page wants to hear of; a product's events, or those of the person's own devices. */
export interface EventFilter {
  product?: string | number;
  device?: string;
  prefix?: string;
}

/** A filter as text, equal for equal filters. */
export function keyOf(filter: EventFilter): string {
  return JSON.stringify([filter.product ?? null, filter.device ?? null, filter.prefix ?? ""]);
}

/** The filter of a key. */
export function filterOf(key: string): EventFilter {
  const [product, device, prefix] = JSON.parse(key) as [string | number | null, string | null, string];
  return { ...(product === null ? {} : { product: String(product) }), ...(device === null ? {} : { device }), prefix };
}

/** Whether an event of a shared stream is one that this filter asked for.
 *
 * @param ownId the signed-in person's id; filters without product mean their devices alone.
 * @param productId number of the product that the filter names, where it names one.
 */
export function isWanted(event: StreamEvent, filter: EventFilter, ownId: string, productId: number | null): boolean {
  if (!event.name.startsWith(filter.prefix ?? "")) return false;
  if (filter.device !== undefined && event.coreid !== filter.device) return false;
  if (filter.product !== undefined) return productId !== null && event.productID === productId;
  return event.userid === undefined || event.userid === ownId;
}

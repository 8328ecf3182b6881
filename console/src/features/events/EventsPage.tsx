import { Page } from "../../ui/Page";
import { EventsPanel } from "./EventsPanel";

/** What all of the person's devices say, and said. */
export default function EventsPage() {
  return <Page title="Events"><EventsPanel filter={{}} history="/v1/event_history" publish="/v1/devices/events" /></Page>;
}

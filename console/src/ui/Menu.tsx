import { Menu as Base } from "@base-ui/react/menu";
import { EllipsisVertical } from "lucide-react";
import type { ReactNode } from "react";
import { type Permission, useRefusal } from "../state/rights";

interface Item {
  label: string;
  act: () => void;
  danger?: boolean;
  disabled?: boolean;
  /** The right that it needs where the menu is shown. */
  needs?: Permission;
}

interface Props {
  /** What the menu is for, as in "Actions for pump-0042". */
  label: string;
  /** Undefined and false are left out; destructive ones come last. */
  items: (Item | false | undefined)[];
  trigger?: ReactNode;
}

/** What can be done with a thing. */
export function Menu({ label, items, trigger }: Props) {
  const refusal = useRefusal();
  const shown = items.filter((one): one is Item => Boolean(one));
  const safe = shown.filter((one) => !one.danger);
  const dangerous = shown.filter((one) => one.danger);
  return (
    <Base.Root>
      <Base.Trigger className={trigger ? "button plain" : "icon-button"} aria-label={label}>
        {trigger ?? <EllipsisVertical aria-hidden="true" size={16} />}
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner align="end" sideOffset={4}>
          <Base.Popup className="menu">
            {safe.map((one) => <Entry key={one.label} item={one} refusal={refusal(one.needs)} />)}
            {safe.length > 0 && dangerous.length > 0 && <hr />}
            {dangerous.map((one) => <Entry key={one.label} item={one} refusal={refusal(one.needs)} />)}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

function Entry({ item, refusal }: { item: Item; refusal: string | null }) {
  return (
    <Base.Item className={`menu-item ${item.danger ? "danger" : ""}`} disabled={refusal !== null || (item.disabled ?? false)} onClick={item.act}>
      {item.label}
      {refusal && <span className="why">{refusal}</span>}
    </Base.Item>
  );
}

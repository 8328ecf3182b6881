import { useState } from "react";
import { ProductFrame } from "../../product/Frame";
import type { Product } from "../../product/queries";
import { Button } from "../../ui/Button";
import { FiringAlerts } from "./FiringAlerts";
import type { Rule } from "./queries";
import { RuleDialog } from "./RuleDialog";
import { RuleList } from "./RuleList";

/** What fires now, who is told of what, and when that was last tested. */
export default function AlertsPage() {
  const [editing, setEditing] = useState<Rule | "new" | null>(null);
  return (
    <ProductFrame title="Alerts" actions={() => <Button kind="primary" onClick={() => setEditing("new")}>Write a rule</Button>}>
      {(product) => <Alerts product={product} editing={editing} onEdit={setEditing} />}
    </ProductFrame>
  );
}

function Alerts({ product, editing, onEdit }: { product: Product; editing: Rule | "new" | null; onEdit: (rule: Rule | "new" | null) => void }) {
  return (
    <>
      <FiringAlerts product={product.slug} />
      <RuleList product={product.slug} onEdit={onEdit} />
      {editing && <RuleDialog product={product.slug} rule={editing === "new" ? null : editing} onClose={() => onEdit(null)} />}
    </>
  );
}

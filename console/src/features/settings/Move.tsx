import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask, take } from "../../api/client";
import type { components } from "../../api/schema";
import { useOrganizations } from "../../organization/queries";
import type { Product } from "../../product/queries";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/Dialog";
import { SelectField } from "../../ui/Field";
import { Card, Facts } from "../../ui/Page";
import { ErrorNote } from "../../ui/States";
import { say } from "../../ui/Toast";

type Preview = components["schemas"]["MoveAnswer"];

/** Gives a product, with its devices, firmware and team, to an organization or back to a person. */
export function Move({ product }: { product: Product }) {
  const organizations = useOrganizations();
  const queries = useQueryClient();
  const [to, setTo] = useState("");
  const [preview, setPreview] = useState<Preview | null>(null);
  const [error, setError] = useState<unknown>(null);
  const look = async () => {
    setError(null);
    try {
      setPreview(await take(api.GET("/v1/products/{product}/move", { params: { path: { product: product.slug }, query: { to } } })));
    } catch (caught) {
      setError(caught);
    }
  };
  const names = (all: unknown[]) => all.map(String).join(", ") || "nobody";
  return (
    <Card title="Owner">
      <div className="stack">
        <SelectField label="Move the product to" help="Everything in it goes along." value={to} onChange={(event) => setTo(event.target.value)}>
          <option value="">Choose an organization</option>
          {(organizations.data ?? []).map((one) => <option key={one.id} value={one.slug}>{one.name}</option>)}
        </SelectField>
        {error !== null && <ErrorNote error={error} />}
        <div className="row"><Button disabled={!to} onClick={() => void look()}>See what would change</Button></div>
      </div>
      {preview && (
        <ConfirmDialog open onClose={() => setPreview(null)} title={`Move ${product.name} to ${preview.target}?`} verb="Move the product" act={async () => {
          await ask(`/v1/products/${product.slug}/move`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ to }) });
          await queries.invalidateQueries();
          say(`${product.name} belongs to ${preview.target} now`);
        }}>
          <Facts rows={[
            ["Devices", preview.devices.toLocaleString()],
            ["Customers", preview.customers.toLocaleString()],
            ["Plan", `${preview.source_plan} → ${preview.target_plan}`],
            ["Gain access", names(preview.gaining)],
            ["Lose access", names(preview.losing)],
            ["Features gained", names(preview.features_gained).replace("nobody", "none")],
            ["Features lost", names(preview.features_lost).replace("nobody", "none")],
          ]} />
        </ConfirmDialog>
      )}
    </Card>
  );
}

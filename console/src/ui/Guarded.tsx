import type { ReactNode } from "react";
import { type Permission, useRefusal } from "../state/rights";

/** A form that the server would refuse is shown, cannot be changed, and says whom to ask. */
export function Guarded({ needs, children }: { needs: Permission; children: ReactNode }) {
  const refusal = useRefusal()(needs);
  return (
    <fieldset className="bare stack" disabled={refusal !== null}>
      {refusal && <p className="note">{refusal}</p>}
      {children}
    </fieldset>
  );
}

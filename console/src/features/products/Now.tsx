import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, take } from "../../api/client";
import { type Product, useAlertCount } from "../../product/queries";
import { StatusMark } from "../../ui/Marks";
import { Card } from "../../ui/Page";
import { Stacked } from "../../ui/Progress";
import { Loaded } from "../../ui/States";
import { runningShares } from "./rules";

/** Which versions run, and on how many devices. */
export function RunningVersions({ product }: { product: Product }) {
  const query = useQuery({
    queryKey: ["firmware", product.slug],
    queryFn: () => take(api.GET("/v1/products/{product}/firmware", { params: { path: { product: product.slug } } })),
    refetchInterval: 30_000,
  });
  return (
    <Card title="Which versions run?" actions={<Link to={`/products/${product.slug}/firmware`}>Firmware</Link>}>
      <Loaded query={query} rows={2}>{(versions) => <Stacked label="Versions" shares={runningShares(versions, product.device_count)} />}</Loaded>
    </Card>
  );
}

/** How many alerts are open, and how many somebody looks after. */
export function OpenAlerts({ product }: { product: string }) {
  const { data } = useAlertCount(product);
  if (!data) return <>–</>;
  return (
    <Link to={`/products/${product}/alerts`}>
      {data.open === 0 ? "0" : <StatusMark tone="bad">{data.open.toLocaleString()}</StatusMark>}
    </Link>
  );
}

const OVER = new Set(["halted", "aborted", "finished"]);

/** Rollouts that are not over, and whether one waits for a person. */
export function OpenRollouts({ product }: { product: string }) {
  const query = useQuery({
    queryKey: ["rollouts", product, 1],
    queryFn: () => take(api.GET("/v1/products/{product}/rollouts", { params: { path: { product } } })),
    refetchInterval: 10_000,
  });
  return (
    <Card title="Is a rollout open?" actions={<Link to={`/products/${product}/rollouts`}>Rollouts</Link>}>
      <Loaded query={query} rows={2}>
        {(answer) => {
          const open = answer.rollouts.filter((one) => !OVER.has(one.state));
          if (open.length === 0) return <p className="quiet">None.</p>;
          return (
            <ul className="stack tight">
              {open.map((one) => (
                <li key={one.id}>
                  <StatusMark tone={["held", "awaiting_approval", "paused_by_gate"].includes(one.state) ? "look" : "work"}>
                    <Link to={`/products/${product}/rollouts/${one.id}`}>Version {one.version}</Link>: {one.state.replaceAll("_", " ")}, {one.offered.toLocaleString()} of {(one.devices + one.late_devices).toLocaleString()} devices
                  </StatusMark>
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Card>
  );
}

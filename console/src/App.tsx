import { Suspense } from "react";
import { Redirect, Route, Switch, useLocation, useSearch } from "wouter";
import { FRONT_ROUTES, ROUTES } from "./routes";
import { Shell } from "./Shell";
import { useSession } from "./state/session";
import { CatchErrors } from "./ui/CatchErrors";
import { Page } from "./ui/Page";
import { Failed, Loading } from "./ui/States";

/** Shows the page of the address, to those who may see it. */
export function App() {
  const session = useSession();
  const [path] = useLocation();
  const search = useSearch();
  const front = FRONT_ROUTES.some((one) => one.path === path);
  if (session.isPending && !front) return <div className="page"><Loading label="Signing in" /></div>;
  if (session.error) return <div className="page"><Failed error={session.error} retry={() => void session.refetch()} /></div>;
  if (front) {
    return (
      <CatchErrors key={path}>
        <Suspense fallback={<div className="page"><Loading /></div>}>
          <Switch>{FRONT_ROUTES.map((one) => <Route key={one.path} path={one.path} component={one.page} />)}</Switch>
        </Suspense>
      </CatchErrors>
    );
  }
  if (session.data === null) {
    const next = path === "/" ? "" : `?next=${encodeURIComponent(path + (search ? `?${search}` : ""))}`;
    return <Redirect to={`/sign-in${next}`} replace />;
  }
  return (
    <Shell username={session.data?.username ?? ""} isAdmin={session.data?.is_admin ?? false}>
      <CatchErrors key={path}>
        <Suspense fallback={<div className="page"><Loading /></div>}>
          <Switch>
            {ROUTES.map((one) => <Route key={one.path} path={one.path} component={one.page} />)}
            <Route><Page title="There is no such page"><p className="quiet">The address may be old, or mistyped.</p></Page></Route>
          </Switch>
        </Suspense>
      </CatchErrors>
    </Shell>
  );
}

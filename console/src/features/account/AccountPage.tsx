import { useSession } from "../../state/session";
import { Chip } from "../../ui/Marks";
import { Card, Facts, Page } from "../../ui/Page";
import { Loaded } from "../../ui/States";

/** The person's own account. */
export default function AccountPage() {
  const session = useSession();
  return (
    <Page title="Account">
      <Loaded query={session}>
        {(user) => user === null ? null : (
          <Card title="You">
            <Facts rows={[["E-mail address", user.username], ["Second factor", <Chip key="m" tone={user.mfa.enabled ? "good" : "look"}>{user.mfa.enabled ? "on" : "off"}</Chip>]]} />
          </Card>
        )}
      </Loaded>
    </Page>
  );
}

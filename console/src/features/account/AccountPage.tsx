import { useSession } from "../../state/session";
import { Page } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { Credentials } from "./Credentials";
import { Leave } from "./Leave";
import { Profile } from "./Profile";
import { SecondFactor } from "./SecondFactor";
import { SignIns } from "./SignIns";
import { TransferRequests } from "./TransferRequests";

/** The person's own account: who they are, how they sign in, where they are signed in. */
export default function AccountPage() {
  const session = useSession();
  return (
    <Page title="Account">
      <Loaded query={session}>
        {(user) => user === null ? null : (
          <>
            <TransferRequests />
            <div className="cards">
              <Profile user={user} />
              <SecondFactor on={user.mfa.enabled} />
            </div>
            <Credentials username={user.username} />
            <SignIns />
            <Leave username={user.username} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

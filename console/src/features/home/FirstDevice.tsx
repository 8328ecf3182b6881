import { useSession } from "../../state/session";
import { Card, Command } from "../../ui/Page";
import { StatusMark } from "../../ui/Marks";
import { StartSimulatedDevice } from "./SimulatedDevice";
import { bareHost, tokenCommand } from "./rules";

/** The way to a first device, simulated or real, by commands that can be pasted as they are. */
export function FirstDevice() {
  const session = useSession();
  const origin = window.location.origin;
  const host = bareHost(window.location.hostname);
  return (
    <>
      <Card title="Bring your first device online">
        <div className="stack">
          <p>There is no device yet. Take one of the two ways; this page goes on by itself as soon as a device is yours.</p>
          <p role="status"><StatusMark tone="work">waiting for your first device</StatusMark></p>
        </div>
      </Card>
      <div className="cards">
        <Card title="A simulated one, by one click">
          <StartSimulatedDevice />
          <details>
            <summary>Or run your own, as many as you like</summary>
          <ol className="stack">
            <li className="stack tight">In a terminal where <code>roadstead</code> is installed, sign in for a token:<Command label="Command for a token">{tokenCommand(origin, session.data?.username ?? "you@example.com")}</Command></li>
            <li className="stack tight">Start a fridge that connects over the real wire and is yours:<Command label="Command for a simulated device">{`roadstead simulate --api ${origin} --token "$TOKEN" --devices 1 --rate 0.5`}</Command></li>
          </ol>
          </details>
        </Card>
        <Card title="A board on your desk">
          <ol className="stack">
            <li className="stack tight">Put the board into DFU mode (yellow blinking), and give it this server's key and address. The first command runs where the server's data lies:<Command label="Commands for the server key">{`roadstead server-key export --host ${host} > server.der\nparticle keys server server.der`}</Command></li>
            <li className="stack tight">Point the official tools here, and tell the server the board's key:<Command label="Commands for the board's key">{`particle profile roadstead\nparticle profile set apiUrl ${origin}\nparticle login\nparticle keys save board\nparticle keys send DEVICE_ID board.pub.pem`}</Command></li>
            <li className="stack tight">Press reset. When it breathes cyan, make it yours:<Command label="Command to claim the board">particle device add DEVICE_ID</Command></li>
          </ol>
          <p className="quiet after">Devices send to UDP port 5684 of {host}. The page bring-your-board.md of the documentation has every step, and the way back.</p>
        </Card>
      </div>
    </>
  );
}

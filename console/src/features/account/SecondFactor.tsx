import { QRCodeSVG } from "qrcode.react";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { ask } from "../../api/client";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { CheckField, TextField } from "../../ui/Field";
import { Chip, Copyable } from "../../ui/Marks";
import { Card } from "../../ui/Page";
import { ErrorNote } from "../../ui/States";
import { say, sayError } from "../../ui/Toast";
import { useAccountAct } from "./queries";

interface Enrolment {
  mfa_token: string;
  qr_url: string;
  secret: string;
}

/** The code from an authenticator app that signing in asks for. */
export function SecondFactor({ on }: { on: boolean }) {
  const [enrolment, setEnrolment] = useState<Enrolment | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const [turningOff, setTurningOff] = useState(false);
  const begin = async () => {
    try {
      setEnrolment((await (await ask("/v1/user/mfa-enable")).json()) as Enrolment);
    } catch (error) {
      sayError("The second factor cannot be set up", error);
    }
  };
  return (
    <Card title="Second factor" actions={<Chip tone={on ? "good" : "look"}>{on ? "on" : "off"}</Chip>}>
      <div className="stack">
        <p className="quiet">A code from an app on your phone, asked for at each sign-in beside the password.</p>
        <div className="row">{on ? <Button onClick={() => setTurningOff(true)}>Turn it off</Button> : <Button onClick={() => void begin()}>Set it up</Button>}</div>
      </div>
      {enrolment && <Enrol enrolment={enrolment} onClose={() => setEnrolment(null)} onDone={setCodes} />}
      {codes && <Codes codes={codes} onClose={() => setCodes(null)} />}
      <TurnOff open={turningOff} onClose={() => setTurningOff(false)} />
    </Card>
  );
}

function Enrol({ enrolment, onClose, onDone }: { enrolment: Enrolment; onClose: () => void; onDone: (codes: string[]) => void }) {
  const act = useAccountAct();
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState } = useForm<{ otp: string }>();
  const submit = handleSubmit(async ({ otp }) => {
    setError(null);
    try {
      const answer = (await act("POST", "/v1/user/mfa-enable", { mfa_token: enrolment.mfa_token, otp: otp.replaceAll(" ", "") })) as { recovery_codes: string[] };
      onClose();
      onDone(answer.recovery_codes);
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Dialog open onClose={onClose} title="Set up the second factor">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <p>Scan this with an authenticator app, or type the secret into it.</p>
        <QRCodeSVG value={enrolment.qr_url} size={176} marginSize={2} title="The secret as a QR code" />
        <Copyable text={enrolment.secret} what="secret" />
        <TextField label="The code that the app shows now" autoComplete="one-time-code" inputMode="numeric" wrong={formState.errors.otp && "Enter the six digits."} {...register("otp", { required: true })} />
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={formState.isSubmitting}>Turn it on</Button></div>
      </form>
    </Dialog>
  );
}

function Codes({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  const [stored, setStored] = useState(false);
  return (
    <Dialog open onClose={() => stored && onClose()} title="Your recovery codes">
      <p>Each of them signs you in once if your phone is lost. They are shown now and never again.</p>
      <pre className="code">{codes.join("\n")}</pre>
      <Copyable text={codes.join("\n")} shown="all of them" what="recovery codes" />
      <CheckField label="I have stored them" checked={stored} onChange={(event) => setStored(event.target.checked)} />
      <div className="actions"><Button kind="primary" disabled={!stored} onClick={onClose}>Done</Button></div>
    </Dialog>
  );
}

function TurnOff({ open, onClose }: { open: boolean; onClose: () => void }) {
  const act = useAccountAct();
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState, reset } = useForm<{ current_password: string }>();
  const submit = handleSubmit(async (fields) => {
    setError(null);
    try {
      await act("PUT", "/v1/user/mfa-disable", fields);
      say("The second factor is off");
      reset();
      onClose();
    } catch (caught) {
      setError(caught);
    }
  });
  return (
    <Dialog open={open} onClose={onClose} title="Turn the second factor off?">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <p>Your password alone will then sign you in. Your recovery codes are deleted.</p>
        <TextField label="Your password" type="password" autoComplete="current-password" wrong={formState.errors.current_password && "Your password is missing."} {...register("current_password", { required: true })} />
        {error !== null && <ErrorNote error={error} />}
        <div className="actions"><Button onClick={onClose}>Cancel</Button><Button kind="danger" type="submit" busy={formState.isSubmitting}>Turn it off</Button></div>
      </form>
    </Dialog>
  );
}

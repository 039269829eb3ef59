import { ConnectError } from '@connectrpc/connect';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import { Button } from './Button';
import { Failure } from './Failure';
import { Notice } from './Notice';

/** The form of sign-in and sign-up: sends once, keeps what was typed, says what was wrong. */
export function EntryForm({
  label,
  busyLabel,
  wrong,
  submit,
  children,
}: {
  label: string;
  busyLabel: string;
  /** What an expected refusal means here; nothing for one that is not expected. */
  wrong: (error: ConnectError) => ReactNode;
  submit: (fields: FormData) => Promise<void>;
  children: ReactNode;
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const button = useRef<HTMLButtonElement>(null);
  const send = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await submit(new FormData(event.currentTarget));
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  // The button that is pressed goes with what it is about; the form's own one stays, and keeps the focus.
  const sendAgain = (): void => {
    button.current?.focus();
    button.current?.form?.requestSubmit();
  };
  const expected = error ? wrong(ConnectError.from(error)) : undefined;
  return (
    <form onSubmit={(event) => void send(event)} className="mt-8 flex flex-col gap-5">
      {children}
      {expected ? (
        <Notice tone="bad" live>
          {expected}
        </Notice>
      ) : null}
      {error && !expected ? <Failure error={error} onRetry={sendAgain} /> : null}
      <Button ref={button} type="submit" large wide isPending={busy}>
        {busy ? busyLabel : label}
      </Button>
    </form>
  );
}

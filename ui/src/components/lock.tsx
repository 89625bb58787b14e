import { Button } from '@mantine/core';
import { useState } from 'react';
import { api } from '@/api/client';
import type { Lock } from '@/api/shapes';
import { useAct } from './action';
import { TermDialog } from './term-dialog';

interface LockButtonProps {
  /** The person's or server's path. */
  path: string;
  name: string;
  lock: Lock | null;
  touches: readonly string[];
}

/** Locks a person or server, or lifts the lock. */
export function LockButton({ path, name, lock, touches }: LockButtonProps) {
  const [open, setOpen] = useState(false);
  const [act, busy] = useAct();
  if (lock !== null) {
    return (
      <Button variant="default" loading={busy} onClick={() => void act({ run: () => api.del(`${path}/lock`), said: `${name} is not locked any more.`, touches })}>
        Unlock
      </Button>
    );
  }
  return (
    <>
      <Button variant="light" color="brick" onClick={() => setOpen(true)}>
        Lock
      </Button>
      <TermDialog
        opened={open}
        close={() => setOpen(false)}
        title={`Lock ${name}`}
        body="Running sessions end at once and nothing new begins, until the lock ends or is lifted."
        action="Lock"
        danger
        optionalFor
        submit={(values) => api.put(`${path}/lock`, values)}
        said={`${name} is locked.`}
        touches={touches}
      />
    </>
  );
}

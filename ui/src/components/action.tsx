import { Button, type ButtonProps } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { asks } from '@/api/events';
import { confirmed, type Asking } from './confirm';
import { done, failed } from './toast';

interface Acting {
  /** What to do; `given` is the text that was asked for. */
  run: (given: string) => Promise<unknown>;
  /** The sentence afterwards. */
  said: string;
  /** The paths whose lists and things it changes. */
  touches: readonly string[];
  confirm?: Asking;
  then?: () => void;
}

/** Does something, says so, and has what it changed read again. Resolves to whether it was done. */
export function useAct(): [act: (acting: Acting) => Promise<boolean>, busy: boolean] {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const act = async ({ run, said, touches, confirm, then }: Acting): Promise<boolean> => {
    const given = confirm ? await confirmed(confirm) : '';
    if (given === null) return false;
    setBusy(true);
    try {
      await run(given);
      done(said);
      then?.();
      void queries.invalidateQueries({ predicate: (query) => asks(query.queryKey, touches) });
      return true;
    } catch (error) {
      failed(error);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return [act, busy];
}

interface ActionButtonProps extends Acting, Omit<ButtonProps, 'children'> {
  label: string;
  'aria-label'?: string;
}

export function ActionButton({ label, run, said, touches, confirm, then, ...button }: ActionButtonProps) {
  const [act, busy] = useAct();
  return (
    <Button variant="default" {...button} loading={busy} onClick={() => void act({ run, said, touches, confirm, then })}>
      {label}
    </Button>
  );
}

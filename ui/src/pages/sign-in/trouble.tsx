import { Alert } from '@mantine/core';
import { duration } from '@/components/time';
import type { Attempt } from './attempt';

/** What went wrong, and how long to wait. */
export function Trouble({ attempt }: { attempt: Attempt }) {
  if (attempt.trouble === null && attempt.wait <= 0) return null;
  return (
    <Alert color={attempt.wait > 0 ? 'brass' : 'brick'} variant="light" role="alert">
      {attempt.trouble}
      {attempt.wait > 0 && <div>Try again in {duration(attempt.wait)}.</div>}
    </Alert>
  );
}

import { Alert, Button, Group, Text } from '@mantine/core';
import { IconAlertTriangle, IconShieldCheck, IconShieldQuestion } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '@/api/client';
import { useRead } from '@/api/queries';
import { useCan } from '@/api/session';
import type { Instant } from '@/api/shapes';
import { CopyIcon } from '@/components/copy';
import { Age } from '@/components/moment';
import { count } from '@/components/time';
import { failed } from '@/components/toast';

/** What a check of the whole book found. */
interface Verification {
  ok: boolean;
  checked_at: Instant;
  checked_by: string;
  lines: number | null;
  head: string | null;
  fault: string | null;
}

const PATH = '/audit/verification';

/** Whether the book is what was written, as far as somebody checked. */
export function ChainState() {
  const last = useRead<Verification | null>(PATH);
  const queries = useQueryClient();
  const auditor = useCan('auditor');
  const [busy, setBusy] = useState(false);
  const [fresh, setFresh] = useState<Verification | null>(null);
  const verify = async () => {
    setBusy(true);
    try {
      setFresh(await api.post<Verification>('/audit/verify'));
      await queries.invalidateQueries({ queryKey: [PATH] });
    } catch (error) {
      failed(error, 'The book could not be checked');
    }
    setBusy(false);
  };
  const known = fresh ?? last.data ?? null;
  if (last.isPending) return <div style={{ minHeight: 66 }} />;
  return (
    <Alert
      variant="light"
      color={known === null ? 'gray' : known.ok ? 'verdigris' : 'brick'}
      icon={known === null ? <IconShieldQuestion /> : known.ok ? <IconShieldCheck /> : <IconAlertTriangle />}
      role={known !== null && !known.ok ? 'alert' : 'status'}
      py="xs"
    >
      <Group justify="space-between" gap="xs">
        <Words known={known} />
        {auditor && (
          <Button size="xs" variant="default" loading={busy} onClick={() => void verify()}>
            Verify now
          </Button>
        )}
      </Group>
    </Alert>
  );
}

function Words({ known }: { known: Verification | null }) {
  if (known === null) return <Text size="sm">Nobody has checked the whole chain yet.</Text>;
  const { ok, lines, checked_at, checked_by, fault, head } = known;
  return (
    <div style={{ flex: '1 1 260px', minWidth: 0 }}>
      <Text size="sm" component="div">
        <b>{ok ? 'The chain is whole' : 'The chain is broken'}</b>
        {lines !== null && `: ${count(lines)} lines`}
        {' · checked '}
        <Age at={checked_at} /> by {checked_by}
      </Text>
      {fault !== null && <Text size="sm">{fault}</Text>}
      {head !== null && (
        <Group gap={4} wrap="nowrap" style={{ minWidth: 0 }}>
          <Text size="xs" c="dimmed" className="mono" truncate title="Keep it elsewhere: it proves that the book up to that line is still there and unchanged.">
            head {head}
          </Text>
          <CopyIcon text={head} label="Copy the head" />
        </Group>
      )}
    </div>
  );
}

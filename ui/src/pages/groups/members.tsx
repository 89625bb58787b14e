import { Button, Group, TextInput } from '@mantine/core';
import { useState } from 'react';
import { api } from '@/api/client';
import { useAll } from '@/api/queries';
import { useCan } from '@/api/session';
import { ActionButton, useAct } from '@/components/action';
import { PageLink } from '@/components/link';
import { Card } from '@/components/page';
import { Pick } from '@/components/pick';
import { ShortTable, type Cell } from '@/components/rows';
import type { GroupKind } from './kinds';

type Member = string | { name: string; full_name?: string | null; address?: string };

const nameOf = (member: Member): string => (typeof member === 'string' ? member : member.name);

/** How many rows are drawn at most; the search finds the others. */
const DRAWN = 300;

export function Members({ kind, group }: { kind: GroupKind; group: string }) {
  const path = `${kind.path}/${encodeURIComponent(group)}/members`;
  const members = useAll<Member>(path);
  const admin = useCan('admin');
  const [text, setText] = useState('');
  const cells: Cell<Member>[] = [
    { title: 'Name', render: (member) => <PageLink to={`${kind.memberPage}/${encodeURIComponent(nameOf(member))}`}>{nameOf(member)}</PageLink> },
    { title: kind.member === 'user' ? 'In full' : 'Address', render: (member) => (typeof member === 'string' ? '–' : (member.full_name ?? member.address ?? '–')) },
  ];
  if (admin) {
    cells.push({
      title: 'Take out',
      quiet: true,
      align: 'right',
      render: (member) => (
        <ActionButton
          label="Take out"
          size="xs"
          variant="subtle"
          color="brick"
          aria-label={`Take ${nameOf(member)} out`}
          run={() => api.del(`${path}/${encodeURIComponent(nameOf(member))}`)}
          said={`${nameOf(member)} is not in ${group} any more.`}
          touches={kind.touches}
        />
      ),
    });
  }
  const all = members.data ?? [];
  const found = all.filter((member) => nameOf(member).toLowerCase().includes(text.trim().toLowerCase()));
  return (
    <Card title={`${kind.members} directly in it`} actions={admin && <PutIn kind={kind} group={group} path={path} />}>
      {all.length > 20 && (
        <TextInput type="search" mb="sm" maw={320} placeholder="Search" aria-label="Search members" value={text} onChange={(event) => setText(event.currentTarget.value)} />
      )}
      <ShortTable
        label={kind.members}
        busy={members.isPending}
        error={members.error}
        retry={() => void members.refetch()}
        cells={cells}
        rows={found.slice(0, DRAWN)}
        id={nameOf}
        empty={{ title: text === '' ? 'Nothing is in it yet' : 'Nothing with these letters', hint: kind.about }}
      />
    </Card>
  );
}

function PutIn({ kind, group, path }: { kind: GroupKind; group: string; path: string }) {
  const [name, setName] = useState<string | null>(null);
  const [act, busy] = useAct();
  const putIn = () =>
    name !== null && void act({ run: () => api.put(`${path}/${encodeURIComponent(name)}`), said: `${name} is in ${group}.`, touches: kind.touches, then: () => setName(null) });
  return (
    <Group gap="xs">
      <Pick kind={kind.member} value={name} onChange={setName} aria-label="Whom to put in" size="xs" />
      <Button size="xs" disabled={name === null} loading={busy} onClick={putIn}>
        Put in
      </Button>
    </Group>
  );
}

import { Badge, Group } from '@mantine/core';
import { api, at } from '@/api/client';
import { useItems } from '@/api/queries';
import type { SignIn } from '@/api/shapes';
import { ActionButton } from '@/components/action';
import { Age } from '@/components/moment';
import { Card } from '@/components/page';
import { ShortTable } from '@/components/rows';

const PATH = '/me/sign-ins';

export function SignIns() {
  const asked = useItems<SignIn>(PATH);
  const others = asked.items.some((signIn) => !signIn.current);
  return (
    <Card
      title="Where you are signed in"
      actions={
        others && (
          <ActionButton
            label="End all others"
            size="xs"
            run={() => api.del(PATH)}
            said="All other sign-ins are ended."
            touches={[PATH]}
            confirm={{ title: 'End all other sign-ins?', body: 'Those browsers must sign in again.', action: 'End them' }}
          />
        )
      }
    >
      <ShortTable
        label="Sign-ins"
        busy={asked.isPending}
        error={asked.error}
        retry={() => void asked.refetch()}
        rows={asked.items}
        id={(signIn) => signIn.id}
        empty={{ title: 'None' }}
        cells={[
          {
            title: 'From',
            render: (signIn) => (
              <Group gap={6} wrap="nowrap">
                <span className="mono">{signIn.source}</span>
                {signIn.current && <Badge size="sm">this one</Badge>}
              </Group>
            ),
          },
          { title: 'Browser', render: (signIn) => signIn.agent ?? '–' },
          { title: 'Since', render: (signIn) => <Age at={signIn.created_at} /> },
          { title: 'Last seen', render: (signIn) => <Age at={signIn.seen_at} /> },
          {
            title: 'End',
            quiet: true,
            align: 'right',
            render: (signIn) =>
              !signIn.current && (
                <ActionButton label="End" size="xs" variant="subtle" color="brick" aria-label={`End the sign-in from ${signIn.source}`} run={() => api.del(at`/me/sign-ins/${signIn.id}`)} said="The sign-in is ended." touches={[PATH]} />
              ),
          },
        ]}
      />
    </Card>
  );
}

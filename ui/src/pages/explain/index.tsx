import { useLocation, useNavigate } from '@tanstack/react-router';
import { Button, SegmentedControl, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { api } from '@/api/client';
import type { Explanation } from '@/api/shapes';
import type { Search } from '@/app/search';
import { Form, useApiForm } from '@/components/form';
import { Card, Page } from '@/components/page';
import { Pick } from '@/components/pick';
import { Hint, ReachTable, WhoCanTable } from '@/components/reach';
import { PageTabs } from '@/components/tabs';
import { fromInput } from '@/components/time';
import { Answer } from './answer';

export default function ExplainPage() {
  return (
    <Page title="Explain" about="The decision, taken as the gate takes it, step by step.">
      <PageTabs
        label="Questions"
        tabs={[
          { id: 'decision', label: 'May this connection be made', render: () => <Decision /> },
          { id: 'who-can', label: 'Who can reach this server', render: () => <Picked kind="server" /> },
          { id: 'reach', label: 'What can this person reach', render: () => <Picked kind="user" /> },
        ]}
      />
    </Page>
  );
}

type Question = {
  whoKind: 'user' | 'source';
  user: string | null;
  source: string;
  whatKind: 'server' | 'destination';
  server: string | null;
  destination: string;
  protocol: string;
  login: string;
  at: string;
};

function questionBody(values: Question): Record<string, unknown> {
  const body: Record<string, unknown> = { protocol: values.protocol };
  if (values.whoKind === 'user') body.user = values.user;
  else body.source = values.source.trim();
  if (values.whatKind === 'server') body.server = values.server;
  else body.destination = values.destination.trim();
  if (values.login.trim() !== '') body.login = values.login.trim();
  const at = fromInput(values.at);
  if (at !== null) body.at = at;
  return body;
}

function Decision() {
  const search = useLocation({ select: (location) => location.search as Search });
  const [answer, setAnswer] = useState<Explanation | null>(null);
  const of = useApiForm<Question>({
    initial: {
      whoKind: search.source === undefined ? 'user' : 'source',
      user: search.user ?? null,
      source: search.source ?? '',
      whatKind: search.destination === undefined ? 'server' : 'destination',
      server: search.server ?? null,
      destination: search.destination ?? '',
      protocol: search.protocol ?? 'ssh',
      login: search.login ?? '',
      at: '',
    },
    validate: {
      user: (user, { whoKind }) => (whoKind === 'user' && user === null ? 'Say who.' : null),
      source: (source, { whoKind }) => (whoKind === 'source' && source.trim() === '' ? 'Say from where.' : null),
      server: (server, { whatKind }) => (whatKind === 'server' && server === null ? 'Say to which server.' : null),
      destination: (text, { whatKind }) => (whatKind === 'destination' && text.trim() === '' ? 'Say to which address.' : null),
    },
    submit: async (values) => setAnswer(await api.post<Explanation>('/check/explain', questionBody(values))),
  });
  const { form } = of;
  const { whoKind, whatKind, user, server } = form.getValues();
  return (
    <Stack>
      <Card>
        <Form of={of} label="Question">
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
            <Stack gap="xs">
              <SegmentedControl
                size="xs"
                aria-label="Who by"
                data={[
                  { value: 'user', label: 'A person' },
                  { value: 'source', label: 'A source address' },
                ]}
                {...form.getInputProps('whoKind')}
              />
              {whoKind === 'user' ? (
                <Pick kind="user" aria-label="Person" value={user} onChange={(name) => form.setFieldValue('user', name)} error={form.errors.user} />
              ) : (
                <TextInput aria-label="Source address" placeholder="10.0.0.7" {...form.getInputProps('source')} />
              )}
            </Stack>
            <Stack gap="xs">
              <SegmentedControl
                size="xs"
                aria-label="What by"
                data={[
                  { value: 'server', label: 'A server' },
                  { value: 'destination', label: 'A destination address' },
                ]}
                {...form.getInputProps('whatKind')}
              />
              {whatKind === 'server' ? (
                <Pick kind="server" aria-label="Server" value={server} onChange={(name) => form.setFieldValue('server', name)} error={form.errors.server} />
              ) : (
                <TextInput aria-label="Destination address" placeholder="10.9.0.12" {...form.getInputProps('destination')} />
              )}
            </Stack>
            <Stack gap="xs">
              <SegmentedControl
                size="xs"
                aria-label="Protocol"
                data={[
                  { value: 'ssh', label: 'SSH' },
                  { value: 'rdp', label: 'RDP' },
                ]}
                {...form.getInputProps('protocol')}
              />
              <TextInput aria-label="Login" placeholder="Login; empty: not known yet" {...form.getInputProps('login')} />
            </Stack>
            <TextInput label="At" description="Empty: now." type="datetime-local" {...form.getInputProps('at')} />
            <Stack justify="flex-end">
              <Button type="submit" loading={of.busy} style={{ alignSelf: 'flex-start' }}>
                Explain
              </Button>
            </Stack>
          </SimpleGrid>
        </Form>
      </Card>
      {answer === null ? <Hint>Say who, what and when; the answer appears here.</Hint> : <Answer answer={answer} />}
    </Stack>
  );
}

function Picked({ kind }: { kind: 'server' | 'user' }) {
  const search = useLocation({ select: (location) => location.search as Search });
  const navigate = useNavigate();
  const name = search[kind] ?? null;
  const pick = (next: string | null) =>
    void navigate({ to: '.', search: ((before: Search) => ({ tab: before.tab, ...(next === null ? {} : { [kind]: next }) })) as never, replace: true });
  return (
    <Stack>
      <Pick kind={kind} label={kind === 'server' ? 'Server' : 'Person'} value={name} onChange={pick} maw={360} />
      {name === null && <Hint>Pick a {kind === 'server' ? 'server' : 'person'}.</Hint>}
      {name !== null && (kind === 'server' ? <WhoCanTable key={name} server={name} /> : <ReachTable key={name} user={name} />)}
      <Text size="xs" c="dimmed">
        Logins are not asked for: whoever may use some login is listed.
      </Text>
    </Stack>
  );
}

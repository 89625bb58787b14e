import { Button, Collapse, Divider, Group, Stack, Text, TextInput, Textarea } from '@mantine/core';
import { useState } from 'react';
import { api, at } from '@/api/client';
import type { RequestDetail } from '@/api/shapes';
import { useAct } from '@/components/action';
import { DurationInput } from '@/components/duration-input';
import { Form, useApiForm } from '@/components/form';
import { Card } from '@/components/page';
import { useSaved } from '@/components/saved';
import { ScheduleBuilder } from '@/components/schedule/builder';

const TOUCHES = ['/requests', '/policies', '/users', '/me'];

/** Approves as asked, shorter, or with a schedule; or denies. */
export function Decide({ request }: { request: RequestDetail }) {
  const saved = useSaved();
  const [act, busy] = useAct();
  const [more, setMore] = useState(false);
  const access = request.kind !== 'address';
  const path = at`/requests/${request.id}`;
  const of = useApiForm({
    initial: { for: request.for ?? '', login: request.logins.join(', '), schedules: [] as string[], note: '' },
    submit: async (values) => {
      const body: Record<string, unknown> = {};
      if (access && values.for.trim() !== '') body.for = values.for.trim();
      if (access && values.login.trim() !== request.logins.join(', ')) body.login = values.login.trim() || null;
      if (values.schedules.length > 0) body.schedules = values.schedules;
      if (values.note.trim() !== '') body.note = values.note.trim();
      await api.post(`${path}/approve`, body);
      saved(`Request #${request.id} is approved.`, TOUCHES);
    },
  });
  const { form } = of;
  const deny = () =>
    act({
      run: (note) => api.post(`${path}/deny`, { note }),
      said: `Request #${request.id} is denied.`,
      touches: TOUCHES,
      confirm: { title: `Deny request #${request.id}?`, body: `${request.user} reads the note.`, action: 'Deny', danger: true, ask: { label: 'Note', initial: form.getValues().note } },
    });
  return (
    <Card title="Decide">
      <Form of={of} label="Decide">
        <Stack gap="sm">
          {access && <DurationInput label="For how long" description={`Asked: ${request.for ?? 'nothing said'}. Shorten it as you see fit.`} {...form.getInputProps('for')} />}
          <Textarea label="Note" description={`${request.user} reads it.`} autosize minRows={1} {...form.getInputProps('note')} />
          {access && (
            <>
              <Button variant="subtle" size="xs" style={{ alignSelf: 'flex-start' }} onClick={() => setMore(!more)} aria-expanded={more}>
                {more ? 'Less' : 'Login and schedule'}
              </Button>
              <Collapse expanded={more}>
                <Stack gap="sm">
                  <TextInput label="Login" description="Empty: any." {...form.getInputProps('login')} />
                  <ScheduleBuilder value={form.getValues().schedules} onChange={(next) => form.setFieldValue('schedules', next)} error={form.errors.schedules} />
                </Stack>
              </Collapse>
            </>
          )}
          {!access && request.overlaps.length > 0 && (
            <Text size="sm" c="var(--mantine-color-error)">
              The address overlaps with a range of {request.overlaps.map((holder) => holder.user).join(', ')}; whoever comes from it is {request.user} afterwards.
            </Text>
          )}
        </Stack>
        <Divider my="md" />
        <Group justify="flex-end">
          <Button variant="light" color="brick" loading={busy} onClick={() => void deny()}>
            Deny
          </Button>
          <Button type="submit" loading={of.busy}>
            {access && form.getValues().for.trim() !== (request.for ?? '') ? 'Approve with changes' : 'Approve as asked'}
          </Button>
        </Group>
      </Form>
    </Card>
  );
}

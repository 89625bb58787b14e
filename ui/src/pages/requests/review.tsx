import { Radio, Stack, Textarea } from '@mantine/core';
import { api, at } from '@/api/client';
import type { AccessRequest } from '@/api/shapes';
import { Form, Submit, useApiForm } from '@/components/form';
import { Card } from '@/components/page';
import { useSaved } from '@/components/saved';

/** Whether a break-glass was right, by somebody else. */
export function Review({ request }: { request: AccessRequest }) {
  const saved = useSaved();
  const of = useApiForm({
    initial: { verdict: '', note: '' },
    validate: {
      verdict: (verdict) => (verdict === '' ? 'Say whether it was justified.' : null),
      note: (note) => (note.trim() === '' ? 'A note is needed.' : null),
    },
    submit: async (values) => {
      await api.post(at`/requests/${request.id}/review`, { verdict: values.verdict, note: values.note.trim() });
      saved('The review is kept.', ['/requests']);
    },
  });
  return (
    <Card title="Review">
      <Form of={of} label="Review">
        <Stack gap="sm">
          <Radio.Group label="Was it right to open access?" {...of.form.getInputProps('verdict')}>
            <Stack gap={6} mt={6}>
              <Radio value="justified" label="Justified" />
              <Radio value="not_justified" label="Not justified" />
            </Stack>
          </Radio.Group>
          <Textarea label="Note" required autosize minRows={2} {...of.form.getInputProps('note')} />
        </Stack>
        <Submit busy={of.busy} label="Keep the review" />
      </Form>
    </Card>
  );
}

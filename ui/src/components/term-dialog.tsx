import { Modal, Stack, Text, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { asks } from '@/api/events';
import { DurationInput } from './duration-input';
import { Form, Submit, useApiForm } from './form';
import { done } from './toast';

interface TermDialogProps {
  opened: boolean;
  close: () => void;
  title: string;
  body?: React.ReactNode;
  action: string;
  danger?: boolean;
  /** The duration can be left out: no end. */
  optionalFor?: boolean;
  initialFor?: string;
  /** Absent: no reason is asked for. */
  reason?: 'required' | 'optional' | 'none';
  submit: (values: { for?: string; reason?: string }) => Promise<unknown>;
  said: string;
  touches: readonly string[];
}

/** Asks how long, and why. */
export function TermDialog(props: TermDialogProps) {
  return (
    <Modal opened={props.opened} onClose={props.close} title={props.title}>
      {props.opened && <TermForm {...props} />}
    </Modal>
  );
}

function TermForm({ close, body, action, danger, optionalFor = false, initialFor = '', reason = 'optional', submit, said, touches }: TermDialogProps) {
  const queries = useQueryClient();
  const of = useApiForm({
    initial: { for: initialFor, reason: '' },
    validate: {
      for: (text) => (!optionalFor && text.trim() === '' ? 'Say for how long, such as 2h or 30d.' : null),
      reason: (text) => (reason === 'required' && text.trim() === '' ? 'A reason is needed.' : null),
    },
    submit: async (values) => {
      const sent: { for?: string; reason?: string } = {};
      if (values.for.trim() !== '') sent.for = values.for.trim();
      if (values.reason.trim() !== '') sent.reason = values.reason.trim();
      await submit(sent);
      done(said);
      void queries.invalidateQueries({ predicate: (query) => asks(query.queryKey, touches) });
      close();
    },
  });
  return (
    <Form of={of} label={action}>
      <Stack gap="sm">
        {body !== undefined && <Text size="sm">{body}</Text>}
        <DurationInput label="For how long" description={optionalFor ? 'Empty: until it is lifted.' : undefined} data-autofocus {...of.form.getInputProps('for')} />
        {reason !== 'none' && <TextInput label="Reason" required={reason === 'required'} {...of.form.getInputProps('reason')} />}
      </Stack>
      <Submit busy={of.busy} label={action} cancel={close} danger={danger} />
    </Form>
  );
}

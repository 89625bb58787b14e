import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Asking, Open } from './confirm';

/** The question before something is done. */
export default function ConfirmDialog({ asking, leave }: { asking: Open | null; leave: (given: string | null) => void }) {
  return (
    <Modal opened={asking !== null} onClose={() => leave(null)} title={asking?.title} zIndex={300}>
      {asking !== null && <Question asking={asking} leave={leave} />}
    </Modal>
  );
}

function Question({ asking, leave }: { asking: Asking; leave: (given: string | null) => void }) {
  const [text, setText] = useState(asking.ask?.initial ?? '');
  const missing = asking.ask?.required === true && text.trim() === '';
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!missing) leave(text.trim());
      }}
    >
      <Stack>
        <Text size="sm" component="div">
          {asking.body}
        </Text>
        {asking.ask && (
          <TextInput
            label={asking.ask.label}
            placeholder={asking.ask.placeholder}
            description={asking.ask.hint}
            required={asking.ask.required}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            data-autofocus
          />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => leave(null)}>
            Cancel
          </Button>
          <Button type="submit" color={asking.danger ? 'brick' : undefined} disabled={missing} data-autofocus={asking.ask ? undefined : true}>
            {asking.action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

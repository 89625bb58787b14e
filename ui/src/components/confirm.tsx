import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState, useSyncExternalStore } from 'react';

export interface Asking {
  title: string;
  /** What will be true afterwards, and what cannot be undone. */
  body: React.ReactNode;
  /** The verb on the button. */
  action: string;
  danger?: boolean;
  /** Asks for a text as well, such as a reason or a duration. */
  ask?: { label: string; placeholder?: string; initial?: string; required?: boolean; hint?: string };
}

interface Open extends Asking {
  answer: (given: string | null) => void;
}

let open: Open | null = null;
const watchers = new Set<() => void>();

function become(next: Open | null): void {
  open = next;
  for (const tell of watchers) tell();
}

/** Asks before something is done. Resolves to the text asked for (empty if none was), or null when it was left. */
export function confirmed(asking: Asking): Promise<string | null> {
  open?.answer(null);
  return new Promise((answer) => become({ ...asking, answer }));
}

/** Where the question appears; once in the page. */
export function ConfirmHost() {
  const asking = useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => open,
  );
  const leave = (given: string | null) => {
    asking?.answer(given);
    become(null);
  };
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

import { ActionIcon, Code, Group } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from '@tabler/icons-react';

/** A text to be taken along, such as a command. */
export function Copyable({ text, label = 'Copy' }: { text: string; label?: string }) {
  return (
    <Group gap={4} wrap="nowrap" style={{ minWidth: 0 }}>
      <Code className="mono" style={{ overflowX: 'auto', whiteSpace: 'pre', maxWidth: '100%' }}>
        {text}
      </Code>
      <CopyIcon text={text} label={label} />
    </Group>
  );
}

export function CopyIcon({ text, label }: { text: string; label: string }) {
  const clipboard = useClipboard({ timeout: 1_500 });
  return (
    <ActionIcon variant="subtle" color="gray" onClick={() => clipboard.copy(text)} aria-label={clipboard.copied ? 'Copied' : label} data-tip={label}>
      {clipboard.copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
    </ActionIcon>
  );
}

import { Alert, Anchor, Button, Group, List, Stack, Table, Text } from '@mantine/core';
import { IconDownload, IconShieldCheck } from '@tabler/icons-react';
import { useState } from 'react';
import { api, at, href } from '@/api/client';
import type { Session } from '@/api/shapes';
import { CopyIcon } from '@/components/copy';
import { Card } from '@/components/page';
import { bytes } from '@/components/time';
import { failed } from '@/components/toast';
import { useChannels, type Channel } from '@/player/channels';

/** What `GET /sessions/{id}/recording/verify` says. */
interface Finding {
  ok: boolean;
  files: string;
  signature: string;
  anchor: string;
  contents: string;
  signed_by: string | null;
  problems: string[];
}

/** The files of a recording: what they are, whether they are what was written, and the way to take them along. */
export function RecordingCard({ session }: { session: Session }) {
  const running = session.state !== 'closed';
  const channels = useChannels(session.id, running);
  const { recording } = session;
  if (recording === null) return null;
  const path = at`/sessions/${session.id}/recording`;
  return (
    <Card title="Recording">
      <Stack gap="sm">
        <Files files={recording.files} channels={channels.items} path={path} />
        <Text size="sm">
          {running ? 'So far ' : 'In all '}
          <b>{bytes(running ? channels.items.reduce((sum, { size }) => sum + size, 0) : recording.size)}</b> in <span className="mono">{recording.path}</span>
        </Text>
        {recording.digest !== null && (
          <Group gap={4} wrap="nowrap">
            <Text size="sm" c="dimmed" className="mono" style={{ overflowWrap: 'anywhere' }}>
              {recording.digest}
            </Text>
            <CopyIcon text={recording.digest} label="Copy the digest" />
          </Group>
        )}
        <Downloads path={path} channels={channels.items} />
        {!running && <Verify session={session} />}
      </Stack>
    </Card>
  );
}

function Files({ files, channels, path }: { files: string[]; channels: Channel[]; path: string }) {
  if (files.length === 0) return <Text size="sm" c="dimmed">No file is finished yet.</Text>;
  return (
    <Table fz="sm" verticalSpacing={4} aria-label="Files">
      <Table.Tbody>
        {files.map((file) => (
          <Table.Tr key={file}>
            <Table.Td>
              <Anchor size="sm" className="mono" href={href(path, { format: 'original', file })} download={file} title="Download as it was written">
                {file}
              </Anchor>
            </Table.Td>
            <Table.Td c="dimmed">{kindOfFile(file, channels)}</Table.Td>
            <Table.Td ta="right">{sizeOf(file, channels)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function channelOf(file: string, channels: Channel[]): Channel | undefined {
  const found = /^ssh-(\d+)\.cast/.exec(file);
  return found === null ? undefined : channels.find((channel) => channel.channel === Number(found[1]));
}

function sizeOf(file: string, channels: Channel[]): string {
  const channel = channelOf(file, channels);
  return channel === undefined ? '' : bytes(channel.size);
}

function kindOfFile(file: string, channels: Channel[]): string {
  const channel = channelOf(file, channels);
  if (channel !== undefined) return `${channel.kind}${channel.command === null ? '' : `: ${channel.command}`}`;
  if (file === 'manifest.json') return 'what belongs to it';
  if (file === 'transfers.jsonl') return 'transfers';
  return /\.bin|chunks/.test(file) ? 'binary' : /pcap/.test(file) ? 'a forward' : '';
}

const FORMATS = [
  { format: 'cast', label: 'asciicast' },
  { format: 'txt', label: 'Text' },
  { format: 'json', label: 'JSON' },
] as const;

/** A cast is of one channel: of several, the files above are one each, and this is the first. */
function Downloads({ path, channels }: { path: string; channels: Channel[] }) {
  if (channels.length === 0) return null;
  const channel = channels.length > 1 ? channels[0]?.channel : undefined;
  return (
    <Group gap="xs">
      {FORMATS.map(({ format, label }) => (
        <Button
          key={format}
          component="a"
          href={href(path, { format, channel: format === 'cast' ? channel : undefined })}
          download
          variant="default"
          size="xs"
          leftSection={<IconDownload size={14} />}
        >
          {label}
        </Button>
      ))}
    </Group>
  );
}

function Verify({ session }: { session: Session }) {
  const [finding, setFinding] = useState<Finding | null>(null);
  const [busy, setBusy] = useState(false);
  const verify = async () => {
    setBusy(true);
    try {
      setFinding(await api.get<Finding>(at`/sessions/${session.id}/recording/verify`));
    } catch (error) {
      failed(error, 'The recording could not be verified');
    }
    setBusy(false);
  };
  return (
    <>
      <Group>
        <Button size="xs" variant="light" leftSection={<IconShieldCheck size={15} />} loading={busy} onClick={() => void verify()}>
          Verify
        </Button>
        <Text size="xs" c="dimmed">
          Compares files, signature and the line in the audit book.
        </Text>
      </Group>
      {finding !== null && <Found finding={finding} />}
    </>
  );
}

function Found({ finding }: { finding: Finding }) {
  const { ok, problems, files, signature, anchor, contents, signed_by } = finding;
  return (
    <Alert color={ok ? 'verdigris' : 'brick'} variant="light" title={ok ? 'It is what was written' : 'It is not what was written'} role="status">
      <Text size="sm">
        Files: {words(files)} · signature: {words(signature)} · audit book: {words(anchor)} · encrypted contents: {words(contents)}
        {signed_by !== null && signed_by !== undefined && (
          <>
            {' '}
            · signed by <span className="mono">{signed_by}</span>
          </>
        )}
      </Text>
      {problems.length > 0 && (
        <List size="sm" mt={6}>
          {problems.map((problem) => (
            <List.Item key={problem}>{problem}</List.Item>
          ))}
        </List>
      )}
    </Alert>
  );
}

function words(word: string | undefined): string {
  return (word ?? 'not checked').replaceAll('_', ' ');
}

import { Switch, Stack, Text } from '@mantine/core';
import { useItems } from '@/api/queries';
import { api } from '@/api/client';
import { useCan } from '@/api/session';
import { Failure } from '@/shell/states';
import { useAct } from './action';
import { Card } from './page';

/** Rights with what they let do, as the guide has them. */
export const RIGHTS: { value: string; label: string; about: string }[] = [
  { value: 'forward_local', label: 'Forward local ports', about: 'ssh -L, -D and -W' },
  { value: 'forward_remote', label: 'Forward remote ports', about: 'ssh -R' },
  { value: 'remote_public', label: 'Remote ports open to everybody', about: 'Whoever reaches the proxy address may use them' },
  { value: 'forward_unix', label: 'Forward Unix sockets', about: 'Both ways' },
  { value: 'agent', label: 'Agent offered on to the server', about: 'ssh and git work from there' },
  { value: 'x11', label: 'X11 windows', about: 'ssh -X' },
  { value: 'clipboard_in', label: 'Clipboard to the server', about: 'RDP' },
  { value: 'clipboard_out', label: 'Clipboard from the server', about: 'RDP' },
  { value: 'clipboard_files', label: 'Files through the clipboard', about: 'RDP' },
  { value: 'drives', label: 'Drives', about: 'RDP' },
  { value: 'printers', label: 'Printers', about: 'RDP' },
  { value: 'audio', label: 'Sound', about: 'RDP' },
  { value: 'microphone', label: 'Microphone', about: 'RDP' },
  { value: 'smartcard', label: 'Smart cards', about: 'RDP' },
  { value: 'usb', label: 'USB devices', about: 'RDP' },
];

/** They may allow what a person would not expect; the guide says to be careful. */
export const BREAK_GLASS = { value: 'break_glass', label: 'Break-glass', about: 'May open access at once, with a reason, alarmed and reviewed afterwards' };

/** Rights set on a person or group. They hold for everything within reach, and for all groups below. */
export function RightsCard({ path, of }: { path: string; of: string }) {
  const asked = useItems<string | { right: string }>(`${path}/rights`);
  const admin = useCan('admin');
  const [act, busy] = useAct();
  if (asked.isError && asked.items.length === 0) return <Failure error={asked.error} retry={() => void asked.refetch()} />;
  const has = new Set(asked.items.map((item) => (typeof item === 'string' ? item : item.right)));
  return (
    <Card title="Rights">
      <Text size="sm" c="dimmed" mb="md">
        They hold in every session of {of}, and for all groups below. A single grant can carry rights for itself.
      </Text>
      <Stack gap="xs">
        {[...RIGHTS, BREAK_GLASS].map((right) => (
          <Switch
            key={right.value}
            label={right.label}
            description={right.about}
            checked={has.has(right.value)}
            disabled={!admin || busy || asked.isPending}
            onChange={(event) => {
              const on = event.currentTarget.checked;
              void act({
                run: () => (on ? api.put(`${path}/rights/${right.value}`) : api.del(`${path}/rights/${right.value}`)),
                said: `${right.label}: ${on ? 'given to' : 'taken from'} ${of}.`,
                touches: [`${path}/rights`],
              });
            }}
          />
        ))}
      </Stack>
    </Card>
  );
}

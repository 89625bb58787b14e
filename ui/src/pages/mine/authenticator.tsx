import { Badge, Box, Button, Code, Group, Modal, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { api } from '@/api/client';
import type { Factors } from '@/api/shapes';
import { ActionButton, useAct } from '@/components/action';
import { CopyIcon, Copyable } from '@/components/copy';
import { Form, Submit, useApiForm } from '@/components/form';
import { Card } from '@/components/page';
import { useSaved } from '@/components/saved';

const TOUCHES = ['/me/factors', '/session'];

interface Beginning {
  secret: string;
  uri: string;
  qr: string;
}

/** TOTP: set up, recovery codes, away with it. */
export function Authenticator({ factors }: { factors: Factors }) {
  const [act, busy] = useAct();
  const [beginning, setBeginning] = useState<Beginning | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const enabled = factors.totp;
  const newCodes = () => act({ run: async () => setCodes((await api.post<{ recovery_codes: string[] }>('/me/recovery-codes')).recovery_codes), said: 'The codes are new.', touches: TOUCHES,
    confirm: { title: 'Make new recovery codes?', body: 'The old ones do not work any more.', action: 'Make new ones' } });
  return (
    <Card title="Authenticator app" actions={<Badge color={enabled ? 'verdigris' : 'gray'}>{enabled ? 'set up' : 'none'}</Badge>}>
      {enabled ? (
        <Stack gap="sm">
          <Text size="sm">
            Asked for after the password. {factors.recovery_codes_left} recovery codes are left.
          </Text>
          <Group>
            <Button variant="default" loading={busy} onClick={() => void newCodes()}>
              New recovery codes
            </Button>
            <ActionButton
              label="Take away"
              variant="light"
              color="brick"
              run={() => api.del('/me/totp')}
              said="The authenticator app is not asked for any more."
              touches={TOUCHES}
              confirm={{ title: 'Take the authenticator app away?', body: 'The password alone signs you in afterwards, unless you have a passkey.', action: 'Take away', danger: true }}
            />
          </Group>
        </Stack>
      ) : (
        <Stack gap="sm" align="flex-start">
          <Text size="sm" c="dimmed">
            A second step after the password: six digits of an app on your phone.
          </Text>
          <Button variant="default" loading={busy} onClick={() => void act({ run: async () => setBeginning(await api.post<Beginning>('/me/totp')), said: 'Scan the picture with the app.', touches: [] })}>
            Set up
          </Button>
        </Stack>
      )}
      <Modal opened={beginning !== null} onClose={() => setBeginning(null)} title="Set up the authenticator app" size="lg">
        {beginning !== null && (
          <Setup
            beginning={beginning}
            close={() => setBeginning(null)}
            done={(made) => {
              setBeginning(null);
              setCodes(made);
            }}
          />
        )}
      </Modal>
      <Modal opened={codes !== null} onClose={() => setCodes(null)} title="Recovery codes" closeOnClickOutside={false} closeOnEscape={false}>
        {codes !== null && <Codes codes={codes} close={() => setCodes(null)} />}
      </Modal>
    </Card>
  );
}

function Setup({ beginning, close, done }: { beginning: Beginning; close: () => void; done: (codes: string[]) => void }) {
  const saved = useSaved();
  const of = useApiForm({
    initial: { code: '' },
    validate: { code: (code) => (/^\d{6}$/.test(code.replace(/\s/g, '')) ? null : 'Six digits, as the app shows them.') },
    submit: async ({ code }) => {
      const made = await api.post<{ recovery_codes: string[] }>('/me/totp/confirm', { code: code.replace(/\s/g, '') });
      saved('The authenticator app is set up.', TOUCHES);
      done(made.recovery_codes);
    },
  });
  return (
    <Form of={of} label="Set up the authenticator app">
      <Group align="flex-start" gap="lg" wrap="wrap">
        {/* An image of the server's SVG, in which no script runs. White behind it, for cameras. */}
        <Box p={8} bg="#fff" style={{ borderRadius: 8, lineHeight: 0 }}>
          <img src={`data:image/svg+xml,${encodeURIComponent(beginning.qr)}`} alt="QR code for the authenticator app" width={196} height={196} />
        </Box>
        <Stack gap="sm" style={{ flex: 1, minWidth: 220 }}>
          <Text size="sm">Scan the picture with your app, or enter the secret there:</Text>
          <Copyable text={beginning.secret} label="Copy the secret" />
          <TextInput label="Code that the app shows" inputMode="numeric" autoComplete="one-time-code" required {...of.form.getInputProps('code')} />
        </Stack>
      </Group>
      <Submit busy={of.busy} label="Confirm" cancel={close} />
    </Form>
  );
}

function Codes({ codes, close }: { codes: string[]; close: () => void }) {
  return (
    <Stack>
      <Text size="sm">Each signs you in once where the app is not at hand. Keep them where you find them without this computer; they are not shown again.</Text>
      <SimpleGrid cols={2} spacing="xs">
        {codes.map((code) => (
          <Code key={code} fz="sm" ta="center" py={6}>
            {code}
          </Code>
        ))}
      </SimpleGrid>
      <Group justify="space-between">
        <CopyIcon text={codes.join('\n')} label="Copy all" />
        <Button onClick={close}>I have kept them</Button>
      </Group>
    </Stack>
  );
}

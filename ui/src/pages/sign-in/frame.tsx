import { Center, Paper, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';

/** What stands around everything before one is signed in. */
export function SignInFrame({ title, about, children }: { title: string; about?: React.ReactNode; children: React.ReactNode }) {
  useDocumentTitle(`${title} · Gatehouse`);
  return (
    <Center mih="100dvh" p="md" style={{ background: 'linear-gradient(#10211e, #10211e) no-repeat top / 100% min(38vh, 320px)' }}>
      <Stack gap="lg" w="100%" maw={400}>
        <Text c="#f2f6f4" fw={650} fz={20} style={{ display: 'flex', alignItems: 'center', gap: 12, justifyContent: 'center' }}>
          <img src="/favicon.svg" width={34} height={34} alt="" />
          Gatehouse
        </Text>
        <Paper p="xl" radius="md" component="main" shadow="sm">
          <Title order={1} mb={about === undefined ? 'md' : 4}>
            {title}
          </Title>
          {about !== undefined && (
            <Text size="sm" c="dimmed" mb="md">
              {about}
            </Text>
          )}
          {children}
        </Paper>
      </Stack>
    </Center>
  );
}

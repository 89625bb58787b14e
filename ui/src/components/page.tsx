import { Box, Breadcrumbs, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { PageLink } from './link';

interface PageProps {
  title: string;
  /** Beside the title: badges. */
  mark?: React.ReactNode;
  /** One line below the title. */
  about?: React.ReactNode;
  /** The pages above this one. */
  above?: readonly { label: string; to: string }[];
  actions?: React.ReactNode;
  children: React.ReactNode;
}

/** A page: its title (the window's too), what can be done, and its content. */
export function Page({ title, mark, about, above = [], actions, children }: PageProps) {
  useDocumentTitle(`${title} · Gatehouse`);
  return (
    <Stack gap="md" maw={1480} mx="auto">
      <Box>
        {above.length > 0 && (
          <Breadcrumbs separatorMargin={6} mb={4} fz="xs">
            {above.map(({ label, to }) => (
              <PageLink key={to} to={to} fz="xs">
                {label}
              </PageLink>
            ))}
            <Text span fz="xs" c="dimmed">
              {title}
            </Text>
          </Breadcrumbs>
        )}
        <Group justify="space-between" align="flex-start" gap="sm">
          <Box style={{ flex: '1 1 260px', minWidth: 0 }}>
            <Group gap="xs">
              <Title order={1} style={{ overflowWrap: 'anywhere' }}>
                {title}
              </Title>
              {mark}
            </Group>
            {about !== undefined && (
              <Text c="dimmed" size="sm" mt={2} component="div">
                {about}
              </Text>
            )}
          </Box>
          {actions !== undefined && <Group gap="xs">{actions}</Group>}
        </Group>
      </Box>
      {children}
    </Stack>
  );
}

interface CardProps {
  title?: string;
  actions?: React.ReactNode;
  children: React.ReactNode;
  style?: React.CSSProperties;
}

/** A part of a page with a title of its own. */
export function Card({ title, actions, children, style }: CardProps) {
  return (
    <Paper p="md" radius="md" component="section" aria-label={title} style={style}>
      {(title !== undefined || actions !== undefined) && (
        <Group justify="space-between" mb="sm" gap="xs">
          <Title order={2}>{title}</Title>
          {actions !== undefined && <Group gap="xs">{actions}</Group>}
        </Group>
      )}
      {children}
    </Paper>
  );
}

/** Names and values beneath each other. */
export function Facts({ facts }: { facts: readonly (readonly [string, React.ReactNode] | null | false)[] }) {
  return (
    <Box component="dl" m={0} style={{ display: 'grid', gridTemplateColumns: 'minmax(96px, max-content) 1fr', gap: '6px 18px' }}>
      {facts
        .filter((fact) => fact !== null && fact !== false)
        .map(([name, value]) => (
          <Box key={name} style={{ display: 'contents' }}>
            <Text component="dt" size="sm" c="dimmed">
              {name}
            </Text>
            <Text component="dd" m={0} size="sm" style={{ overflowWrap: 'anywhere' }}>
              {value ?? '–'}
            </Text>
          </Box>
        ))}
    </Box>
  );
}

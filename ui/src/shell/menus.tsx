import { ActionIcon, Badge, Box, Group, Menu, Text, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { IconDeviceDesktop, IconLogout, IconMoon, IconSun, IconUser } from '@tabler/icons-react';
import { api } from '@/api/client';
import { sessionQuery } from '@/api/session';
import type { SessionInfo } from '@/api/shapes';
import { RouterLink, useGo } from '@/components/link';
import { failed } from '@/components/toast';
import classes from './shell.module.css';

export function SchemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const choices = [
    { value: 'light', label: 'Light', icon: IconSun },
    { value: 'dark', label: 'Dark', icon: IconMoon },
    { value: 'auto', label: 'As the system', icon: IconDeviceDesktop },
  ] as const;
  const Current = choices.find((choice) => choice.value === colorScheme)?.icon ?? IconDeviceDesktop;
  return (
    <Menu position="bottom-end" width={170}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Colours">
          <Current size={18} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {choices.map((choice) => (
          <Menu.Item
            key={choice.value}
            leftSection={<choice.icon size={16} />}
            onClick={() => setColorScheme(choice.value)}
            aria-current={colorScheme === choice.value}
            fw={colorScheme === choice.value ? 650 : undefined}
          >
            {choice.label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

export function Account({ session }: { session: SessionInfo }) {
  const queries = useQueryClient();
  const go = useGo();
  const name = session.user?.full_name ?? session.user?.name ?? '';
  const signOut = async () => {
    try {
      await api.del('/session');
      queries.clear();
      await queries.fetchQuery(sessionQuery);
      go('/sign-in');
    } catch (error) {
      failed(error);
    }
  };
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <UnstyledButton aria-label={`Account of ${name}`}>
          <span className={classes.initials} aria-hidden>
            {initials(name)}
          </span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Box px="sm" py={6}>
          <Text fw={600}>{name}</Text>
          <Group gap={6}>
            <Badge size="sm">{session.user?.role}</Badge>
            <Text size="xs" c="dimmed" className="mono">
              from {session.source}
            </Text>
          </Group>
        </Box>
        <Menu.Divider />
        <Menu.Item component={RouterLink} to="/profile" leftSection={<IconUser size={16} />}>
          Profile
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void signOut()}>
          Sign out
        </Menu.Item>
        <Menu.Divider />
        <Text size="xs" c="dimmed" px="sm" py={4}>
          Gatehouse {session.version}
        </Text>
      </Menu.Dropdown>
    </Menu>
  );
}

function initials(name: string): string {
  const words = name.split(/[\s.]+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => word?.charAt(0).toUpperCase() ?? '').join('');
}

import { Checkbox, Select, SimpleGrid, Stack, TagsInput, TextInput } from '@mantine/core';
import { api, at } from '@/api/client';
import type { Role, User } from '@/api/shapes';
import { Form, Submit, useApiForm } from '@/components/form';
import { useGo } from '@/components/link';
import { Card, Page } from '@/components/page';
import { done } from '@/components/toast';
import { ROLES } from './roles';

export default function NewPersonPage() {
  const go = useGo();
  const person = useApiForm({
    initial: { name: '', full_name: '', email: '', role: 'user' as Role, addresses: [] as string[], inside: false },
    validate: { name: (name) => (name.trim() === '' ? 'A name is needed.' : null) },
    submit: async (values) => {
      const user = await api.create<User>('/users', {
        ...values,
        name: values.name.trim(),
        full_name: values.full_name.trim() || null,
        email: values.email.trim() || null,
      });
      done(`${user.name} is entered.`);
      go(at`/people/${user.name}`);
    },
  });
  const { form } = person;
  return (
    <Page title="New person" above={[{ label: 'People', to: '/people' }]}>
      <Card>
        <Form of={person} label="New person">
          <Stack maw={640} gap="md">
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <TextInput label="Name" description="Short, as in j.doe; it stands in lists and the audit book." required autoFocus {...form.getInputProps('name')} />
              <TextInput label="Name in full" description="For the eyes of people." {...form.getInputProps('full_name')} />
              <TextInput label="Mail address" type="email" {...form.getInputProps('email')} />
              <Select label="Role" data={ROLES} {...form.getInputProps('role')} />
            </SimpleGrid>
            <TagsInput
              label="Source addresses"
              description="Single addresses or ranges (10.0.0.7, 10.20.0.0/24), Enter after each. Whoever comes from there is this person."
              {...form.getInputProps('addresses')}
            />
            <Checkbox
              label="An address may lie inside another person's range, or around one"
              {...form.getInputProps('inside', { type: 'checkbox' })}
            />
          </Stack>
          <Submit busy={person.busy} label="Add the person" cancel={() => go('/people')} />
        </Form>
      </Card>
    </Page>
  );
}

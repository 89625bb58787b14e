import { Alert, Badge, Stack, Text, Timeline } from '@mantine/core';
import { IconCheck, IconMinus, IconX } from '@tabler/icons-react';
import type { Explanation } from '@/api/shapes';
import { sentence } from '@/api/problem';
import { PolicyLink, PolicyLinks, ServerLink, UserLink } from '@/components/link';
import { Moment } from '@/components/moment';
import { Card, Facts } from '@/components/page';
import { ShortTable } from '@/components/rows';

/** The questions of the steps, as the reference has them. */
const STEPS = [
  'Whose is the source address?',
  'Which server is it, and does it offer the protocol?',
  'Which grants cover the person and the server?',
  'Which of these fit the source address and the protocol?',
  'Which of these have begun and not ended?',
  'Which of these have no schedules, or one that matches now?',
  'Which of these allow the login?',
];

export function Answer({ answer }: { answer: Explanation }) {
  const allowed = answer.decision === 'allow';
  return (
    <Stack aria-live="polite">
      <Alert color={allowed ? 'verdigris' : 'brick'} icon={allowed ? <IconCheck /> : <IconX />} title={allowed ? 'Allowed' : `Denied: ${answer.reason ?? ''}`}>
        {allowed ? (
          <>
            By <PolicyLinks ids={answer.policies ?? []} />, <Until at={answer.allowed_until ?? null} />.
          </>
        ) : (
          <Text size="sm" style={{ whiteSpace: 'pre-line' }}>
            {answer.detail}
          </Text>
        )}
      </Alert>
      <Card title="Step by step">
        <Facts
          facts={[
            ['Person', answer.user === null ? 'nobody known' : <UserLink name={answer.user} />],
            ['Server', answer.server === null ? 'none known' : <ServerLink name={answer.server} />],
          ]}
        />
        <Timeline mt="md" bulletSize={24} lineWidth={2} active={STEPS.length}>
          {answer.steps.map((step) => (
            <Timeline.Item
              key={step.step}
              color={step.outcome === 'passed' ? 'verdigris' : step.outcome === 'denied' ? 'brick' : 'gray'}
              bullet={step.outcome === 'passed' ? <IconCheck size={14} /> : step.outcome === 'denied' ? <IconX size={14} /> : <IconMinus size={14} />}
              title={
                <Text size="sm" fw={600}>
                  {step.step}. {step.question || STEPS[step.step - 1]}
                </Text>
              }
            >
              <Text size="sm" c={step.outcome === 'denied' ? 'var(--mantine-color-error)' : 'dimmed'}>
                {step.outcome === 'skipped' && step.answer === '' ? 'Not asked.' : sentence(step.answer)}
              </Text>
            </Timeline.Item>
          ))}
        </Timeline>
      </Card>
      <Card title="Grants considered">
        <ShortTable
          label="Grants considered"
          rows={answer.considered}
          id={(considered) => considered.policy}
          empty={{ title: 'None', hint: 'No grant covers this person and this server.' }}
          cells={[
            { title: 'Grant', render: (considered) => <PolicyLink id={considered.policy} /> },
            {
              title: 'Came to',
              render: (considered) => <Badge color={considered.step === 0 ? 'verdigris' : 'gray'}>{considered.step === 0 ? 'allows' : `step ${considered.step}`}</Badge>,
            },
            { title: 'In words', render: (considered) => considered.words },
          ]}
        />
        {(answer.elsewhere ?? 0) > 0 && (
          <Text size="sm" c="dimmed" mt="xs">
            {answer.elsewhere} more of their grants are for other servers.
          </Text>
        )}
      </Card>
    </Stack>
  );
}

function Until({ at }: { at: string | null }) {
  return at === null ? <>without end</> : <>until <Moment at={at} /></>;
}

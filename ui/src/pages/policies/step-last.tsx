import { Alert, Anchor, List, Skeleton, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { sentence, sentenceOf } from '@/api/problem';
import type { PolicyPreview } from '@/api/shapes';
import { Moment } from '@/components/moment';
import { Covers } from './step-who-what';
import { stepOf, STEPS } from './values';

interface LastProps {
  preview: PolicyPreview | undefined;
  pending: boolean;
  error: unknown;
  /** Leads to where a field is entered. */
  lead: (field: string) => void;
}

/** What will be true, in one sentence of the server; and what to think of first. */
export function StepLast({ preview, pending, error, lead }: LastProps) {
  if (error) return <Alert color="brick">{sentenceOf(error)}</Alert>;
  if (preview === undefined) return <Skeleton height={120} />;
  return (
    <Stack aria-busy={pending} style={{ opacity: pending ? 0.7 : 1 }}>
      <Text fz="lg" fw={550} maw={760} data-testid="sentence">
        {sentence(preview.sentence)}
      </Text>
      {preview.errors.length > 0 && (
        <Alert color="brick" title="This cannot be granted yet" role="alert">
          <List size="sm" spacing={4}>
            {preview.errors.map(({ field, detail }) => {
              const at = stepOf(field);
              return (
                <List.Item key={`${field} ${detail}`}>
                  {sentence(detail)}{' '}
                  {at !== null && (
                    <Anchor component="button" type="button" size="sm" onClick={() => lead(field)}>
                      To "{STEPS[at]}"
                    </Anchor>
                  )}
                </List.Item>
              );
            })}
          </List>
        </Alert>
      )}
      {preview.warnings.length > 0 && (
        <Alert color="brass" title="Think of this" icon={<IconAlertTriangle />}>
          <List size="sm" spacing={4}>
            {preview.warnings.map((warning) => (
              <List.Item key={warning}>{sentence(warning)}</List.Item>
            ))}
          </List>
        </Alert>
      )}
      <Covers preview={preview} />
      {preview.windows.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            Next windows
          </Text>
          {preview.windows.slice(0, 3).map(([from, to]) => (
            <Text key={from} size="sm">
              <Moment at={from} /> – <Moment at={to} />
            </Text>
          ))}
        </div>
      )}
      <Text size="sm">
        Ends: <Moment at={preview.ends_at} none="never" />
      </Text>
    </Stack>
  );
}

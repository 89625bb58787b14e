import { Button, Group, Stack, Stepper } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDebouncedValue, useMediaQuery } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api } from '@/api/client';
import { Problem, sentenceOf } from '@/api/problem';
import type { PolicyPreview } from '@/api/shapes';
import { Refusal } from '@/components/form';
import { Card } from '@/components/page';
import { keepDraft, readDraft } from './draft';
import { StepHow } from './step-how';
import { StepLast } from './step-last';
import { StepReason, StepWhat, StepWho } from './step-who-what';
import { StepWhen } from './step-when';
import { formField, grantBody, missing, STEPS, stepOf, type GrantValues, type Step } from './values';

interface WizardProps {
  /** Under which what was entered is kept. */
  draft: string;
  initial: GrantValues;
  /** The verb of the last button. */
  action: string;
  submit: (values: GrantValues) => Promise<void>;
  cancel: () => void;
}

/** Grants, edits and copies: one step after the other, or any of them at will. */
export function GrantWizard({ draft, initial, action, submit, cancel }: WizardProps) {
  const form = useForm<GrantValues>({ initialValues: readDraft(draft) ?? initial });
  const values = form.getValues();
  const [step, setStep] = useState<Step>(0);
  const [busy, setBusy] = useState(false);
  const [rest, setRest] = useState<string | null>(null);
  const preview = usePreview(values);
  const small = useMediaQuery('(max-width: 48em)');
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => keepDraft(draft, form.isDirty() ? values : null), [draft, values, form]);

  const go = (to: Step) => {
    for (let at = step; at < to; at = (at + 1) as Step) {
      const errors = missing(values, at);
      if (Object.keys(errors).length > 0) return show(errors, at);
    }
    setStep(to);
    return undefined;
  };
  const show = (errors: Record<string, string>, at: Step) => {
    form.setErrors(errors);
    setStep(at);
    requestAnimationFrame(() => panel.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };
  const finish = async () => {
    for (const at of [0, 1, 2, 3] as Step[]) {
      const errors = missing(values, at);
      if (Object.keys(errors).length > 0) return show(errors, at);
    }
    setBusy(true);
    setRest(null);
    try {
      await submit(values);
      keepDraft(draft, null);
    } catch (error) {
      const { errors, first, left } = sorted(error);
      setRest(left);
      if (first !== null) show(errors, first);
    }
    setBusy(false);
    return undefined;
  };
  const last = step === STEPS.length - 1;
  return (
    <Card>
      <Stepper active={step} onStepClick={(at) => go(at as Step)} size={small ? 'xs' : 'sm'} orientation="horizontal" mb="md" wrap={false} iconSize={small ? 26 : 30}>
        {STEPS.map((name, i) => (
          <Stepper.Step key={name} label={small && i !== step ? undefined : name} aria-label={name} />
        ))}
      </Stepper>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (last) void finish();
          else go((step + 1) as Step);
        }}
      >
        {rest !== null && <Refusal sentence={rest} />}
        <div ref={panel}>
          <Stack mih={300} justify="flex-start">
            {step === 0 && <StepWho form={form} />}
            {step === 1 && <StepWhat form={form} preview={preview.data} />}
            {step === 2 && <StepHow form={form} />}
            {step === 3 && <StepWhen form={form} />}
            {step === 4 && <StepReason form={form} />}
            {last && <StepLast preview={preview.data} pending={preview.isFetching} error={preview.error} lead={(field) => setStep(stepOf(field) ?? step)} />}
          </Stack>
        </div>
        <Group justify="space-between" mt="lg">
          <Button
            variant="subtle"
            color="gray"
            onClick={() => {
              keepDraft(draft, null);
              cancel();
            }}
          >
            Cancel
          </Button>
          <Group>
            <Button variant="default" disabled={step === 0} onClick={() => setStep((step - 1) as Step)}>
              Back
            </Button>
            <Button type="submit" loading={busy}>
              {last ? action : 'Next'}
            </Button>
          </Group>
        </Group>
      </form>
    </Card>
  );
}

/** What the server makes of what has been entered so far. */
function usePreview(values: GrantValues) {
  const [body] = useDebouncedValue(JSON.stringify(grantBody(values)), 250);
  return useQuery({
    queryKey: ['/policies/preview', body],
    queryFn: ({ signal }) => api.post<PolicyPreview>('/policies/preview', JSON.parse(body), { signal }),
    enabled: values.subject !== null && values.target !== null,
    placeholderData: keepPreviousData,
    staleTime: 10_000,
    retry: false,
  });
}

/** A refusal by the fields of the wizard, the first step with one, and what belongs to none. */
function sorted(error: unknown): { errors: Record<string, string>; first: Step | null; left: string | null } {
  if (!(error instanceof Problem) || error.errors.length === 0) return { errors: {}, first: null, left: sentenceOf(error) };
  const errors: Record<string, string> = {};
  const left: string[] = [];
  let first: Step | null = null;
  for (const { field, detail } of error.errors) {
    const at = stepOf(field);
    if (at === null) left.push(detail);
    else {
      errors[formField(field)] = detail;
      first = first === null || at < first ? at : first;
    }
  }
  return { errors, first, left: left.length > 0 ? left.join(' ') : null };
}

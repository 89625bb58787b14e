import { Alert, Button, Group } from '@mantine/core';
import { useForm, type UseFormReturnType } from '@mantine/form';
import { useRef, useState } from 'react';
import { Problem, sentenceOf, splitErrors } from '@/api/problem';

interface FormInit<V extends Record<string, unknown>> {
  initial: V;
  /** Only what can be said without the server; it has the last word. */
  validate?: { [K in keyof V]?: (value: V[K], values: V) => string | null };
  submit: (values: V) => Promise<void>;
  /** The API's name of a field, where the form's differs. */
  names?: Partial<Record<string, keyof V & string>>;
}

export interface ApiForm<V extends Record<string, unknown>> {
  form: UseFormReturnType<V>;
  busy: boolean;
  /** What was refused without naming a field of the form. */
  rest: string | null;
  element: React.RefObject<HTMLFormElement | null>;
  onSubmit: (event?: React.FormEvent<HTMLFormElement>) => void;
}

/** A form whose refusals appear at the fields they name. Nothing that was typed is lost. */
export function useApiForm<V extends Record<string, unknown>>(init: FormInit<V>): ApiForm<V> {
  const form = useForm<V>({ initialValues: init.initial, validate: (init.validate ?? {}) as never });
  const [busy, setBusy] = useState(false);
  const [rest, setRest] = useState<string | null>(null);
  const element = useRef<HTMLFormElement>(null);
  const focusFirst = () => requestAnimationFrame(() => element.current?.querySelector<HTMLElement>('[aria-invalid="true"], [data-error] input')?.focus());
  const send = async (values: V) => {
    setBusy(true);
    setRest(null);
    try {
      await init.submit(values);
    } catch (error) {
      const left = errorsInto(form, error, init.names ?? {});
      setRest(left);
      if (left === null) focusFirst();
    }
    setBusy(false);
  };
  return { form, busy, rest, element, onSubmit: form.onSubmit((values) => void send(values), focusFirst) };
}

function errorsInto<V extends Record<string, unknown>>(
  form: UseFormReturnType<V>,
  error: unknown,
  names: Partial<Record<string, keyof V & string>>,
): string | null {
  if (!(error instanceof Problem)) return sentenceOf(error);
  const { at, rest } = splitErrors(error, [...Object.keys(form.getValues()), ...Object.keys(names)]);
  const own = Object.fromEntries(Object.entries(at).map(([field, detail]) => [names[field] ?? field, detail]));
  form.setErrors(own as never);
  return rest;
}

interface FormProps<V extends Record<string, unknown>> {
  of: ApiForm<V>;
  children: React.ReactNode;
  label?: string;
}

export function Form<V extends Record<string, unknown>>({ of, children, label }: FormProps<V>) {
  return (
    <form ref={of.element} onSubmit={of.onSubmit} noValidate aria-label={label}>
      {of.rest !== null && <Refusal sentence={of.rest} />}
      {children}
    </form>
  );
}

/** A refusal that belongs to no field. */
export function Refusal({ sentence }: { sentence: string }) {
  return (
    <Alert color="brick" variant="light" mb="md" role="alert">
      {sentence}
    </Alert>
  );
}

interface SubmitProps {
  busy: boolean;
  label: string;
  cancel?: () => void;
  danger?: boolean;
  disabled?: boolean;
}

/** The end of a form: its verb, and the way out. */
export function Submit({ busy, label, cancel, danger = false, disabled = false }: SubmitProps) {
  return (
    <Group justify="flex-end" mt="md">
      {cancel && (
        <Button variant="default" onClick={cancel} disabled={busy}>
          Cancel
        </Button>
      )}
      <Button type="submit" loading={busy} color={danger ? 'brick' : undefined} disabled={disabled}>
        {label}
      </Button>
    </Group>
  );
}

import { TextInput, type TextInputProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { api } from '@/api/client';
import { Problem } from '@/api/problem';
import type { DurationPreview } from '@/api/shapes';
import { local } from './time';

interface DurationInputProps extends Omit<TextInputProps, 'value' | 'onChange'> {
  value?: string;
  onChange?: (text: string) => void;
  /** Whether what is entered begins now, so that an end can be told. */
  fromNow?: boolean;
}

/** A duration as text (`2h`, `5d12h`), with what the server understands by it beneath. */
export function DurationInput({ value = '', onChange, fromNow = true, error, description, ...rest }: DurationInputProps) {
  const [settled] = useDebouncedValue(value.trim(), 150);
  const echo = useQuery({
    queryKey: ['/durations/preview', settled],
    queryFn: () => api.post<DurationPreview>('/durations/preview', { text: settled }),
    enabled: settled !== '',
    staleTime: 30_000,
    retry: false,
  });
  const wrong = value.trim() !== '' && echo.error instanceof Problem ? echo.error.message : undefined;
  return (
    <TextInput
      value={value}
      onChange={(event) => onChange?.(event.currentTarget.value)}
      placeholder="2h, 5d, 1w, 1h30m, permanent"
      spellCheck={false}
      autoComplete="off"
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      {...rest}
      error={error ?? wrong}
      description={!wrong && value.trim() !== '' && echo.data ? words(echo.data, fromNow) : description}
    />
  );
}

function words(echo: DurationPreview, fromNow: boolean): string {
  if (echo.seconds === null || echo.seconds === 0) return 'Without end';
  return echo.ends_at !== null && fromNow ? `${echo.text}: until ${local(echo.ends_at)}` : echo.text;
}

import { useQueryClient } from '@tanstack/react-query';
import { asks } from '@/api/events';
import { done } from './toast';

/** After a form was taken: says so, and has what it changed read again. */
export function useSaved(): (sentence: string, touches: readonly string[]) => void {
  const queries = useQueryClient();
  return (sentence, touches) => {
    done(sentence);
    void queries.invalidateQueries({ predicate: (query) => asks(query.queryKey, touches) });
  };
}

import { describe, expect, it } from 'vitest';
import { addressesOf } from './addresses';

describe('the addresses of a range', () => {
  it('are counted from its first', () => {
    expect(addressesOf('10.9.0.14/30', 16)).toEqual(['10.9.0.12', '10.9.0.13', '10.9.0.14', '10.9.0.15']);
    expect(addressesOf('255.255.255.255', 16)).toEqual(['255.255.255.255']);
  });

  it('are not drawn where there are too many or none', () => {
    for (const range of ['10.0.0.0/8', 'fd00::/120', '10.0.0.300/30', 'x', '10.0.0.0/33']) expect(addressesOf(range, 1024)).toBeNull();
  });
});

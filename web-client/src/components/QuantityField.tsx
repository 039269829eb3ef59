import { Minus, Plus } from 'lucide-react';
import { useLayoutEffect, useRef } from 'react';
import { Button } from 'react-aria-components/Button';
import { Group } from 'react-aria-components/Group';
import { Input } from 'react-aria-components/Input';
import { NumberField } from 'react-aria-components/NumberField';
import { PIECES_MAX } from '~/stores/cart';

/** Things are sold by the piece: no half of one can be typed, and phones show their keypad of digits. */
const WHOLE = { maximumFractionDigits: 0 };

/** How many: by the buttons, the arrow keys or the number itself. */
export function QuantityField({
  label,
  value,
  max = PIECES_MAX,
  onChange,
}: {
  label: string;
  value: number;
  max?: number;
  onChange: (value: number) => void;
}) {
  const group = useRef<HTMLDivElement>(null);
  // At either end one button is disabled under the finger that pressed it; the focus goes to the number beside it.
  useLayoutEffect(() => {
    if (group.current?.querySelector('button:focus:disabled')) group.current.querySelector('input')?.focus();
  });
  return (
    <NumberField
      aria-label={label}
      value={value}
      formatOptions={WHOLE}
      minValue={1}
      maxValue={Math.max(1, Math.min(max, PIECES_MAX))}
      onChange={(next) => onChange(Number.isNaN(next) ? 1 : next)}
    >
      <Group ref={group} className="inline-flex items-center rounded-control border border-edge bg-surface">
        <Step slot="decrement">
          <Minus size={16} aria-hidden="true" />
        </Step>
        <Input className="h-[44px] w-[max(44px,4ch)] bg-transparent text-center tabular-nums" />
        <Step slot="increment">
          <Plus size={16} aria-hidden="true" />
        </Step>
      </Group>
    </NumberField>
  );
}

function Step({ slot, children }: { slot: 'increment' | 'decrement'; children: React.ReactNode }) {
  return (
    <Button
      slot={slot}
      className="inline-flex size-[44px] items-center justify-center rounded-control hover:bg-sunken data-[disabled]:opacity-35"
    >
      {children}
    </Button>
  );
}

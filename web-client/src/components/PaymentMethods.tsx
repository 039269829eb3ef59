import { Ban, Check, Clock, PlugZap } from 'lucide-react';
import type { ReactNode, Ref } from 'react';
import { Label } from 'react-aria-components/Label';
import { Radio, RadioGroup } from 'react-aria-components/RadioGroup';
import { Text } from 'react-aria-components/Text';

interface Method {
  readonly token: string;
  readonly name: string;
  readonly does: string;
  readonly icon: ReactNode;
}

/** The sandbox's methods, named by what they do: nobody should have to know a token. */
export const METHODS: readonly Method[] = [
  { token: 'tok_ok', name: 'The card that pays', does: 'Goes through at once', icon: <Check size={20} /> },
  {
    token: 'tok_declined',
    name: 'The card that declines',
    does: 'The bank says no; you are not charged',
    icon: <Ban size={20} />,
  },
  {
    token: 'tok_slow',
    name: 'The slow card',
    does: 'Takes two and a half seconds to answer',
    icon: <Clock size={20} />,
  },
  {
    token: 'tok_unavailable',
    name: 'The unreachable provider',
    does: 'The payment provider is down',
    icon: <PlugZap size={20} />,
  },
];

/** Which method to pay with. */
export function PaymentMethods({
  value,
  isDisabled,
  onChange,
  ref,
}: {
  value: string;
  isDisabled: boolean;
  onChange: (token: string) => void;
  ref?: Ref<HTMLDivElement>;
}) {
  return (
    <RadioGroup ref={ref} value={value} onChange={onChange} isDisabled={isDisabled} className="flex flex-col gap-3">
      <Label className="font-medium text-heading tracking-[-0.02em]">How to pay</Label>
      <Text slot="description" className="text-muted text-note">
        Stoa is a demonstration shop: no card is asked for and no money moves. Choose how the payment should end.
      </Text>
      {METHODS.map((method) => (
        <Radio
          key={method.token}
          value={method.token}
          className="group flex min-h-16 cursor-pointer items-center gap-4 rounded-card border border-edge bg-surface px-5 py-3 data-[selected]:border-accent data-[selected]:bg-accent-soft data-[disabled]:cursor-not-allowed data-[disabled]:opacity-60"
        >
          <span
            aria-hidden="true"
            className="inline-flex size-5 shrink-0 rounded-full border-2 border-edge group-data-[selected]:border-[6px] group-data-[selected]:border-accent"
          />
          <span className="min-w-0 flex-1">
            <span className="block font-medium">{method.name}</span>
            <span className="block text-muted text-note">{method.does}</span>
          </span>
          <span aria-hidden="true" className="text-muted">
            {method.icon}
          </span>
        </Radio>
      ))}
    </RadioGroup>
  );
}

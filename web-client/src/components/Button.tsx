import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, ReactNode, Ref } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components/Button';
import { look } from './look';

type Kind = 'primary' | 'quiet' | 'plain' | 'danger';

const KINDS: Record<Kind, string> = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong font-medium',
  quiet: 'border border-edge bg-surface text-ink hover:bg-sunken',
  plain: 'text-accent-ink underline underline-offset-4 decoration-1 hover:decoration-2',
  danger: 'border border-bad text-bad hover:bg-bad-soft',
};

const buttonLook = (kind: Kind, wide: boolean, large: boolean): string =>
  look(
    'inline-flex items-center justify-center gap-2 rounded-control transition-colors duration-150 select-none',
    'data-[disabled]:opacity-55 data-[disabled]:cursor-not-allowed',
    kind === 'plain' ? 'min-h-11 min-w-11' : 'px-5',
    large ? 'min-h-14 text-lead' : 'min-h-11',
    wide && 'w-full',
    KINDS[kind],
  );

interface Shape {
  kind?: Kind;
  wide?: boolean;
  large?: boolean;
}

/**
 * A button. While `isPending` it stays where it is, keeps the focus, says that it works and does nothing more. This is
 * not React Aria's own pending state, whose announcement points at the button and is left dangling when the page that
 * follows has no such button.
 */
export function Button({
  kind = 'primary',
  wide = false,
  large = false,
  isPending = false,
  type = 'button',
  onPress,
  ...props
}: AriaButtonProps & Shape) {
  const press = isPending || !onPress ? {} : { onPress };
  return (
    <>
      <AriaButton {...props} {...press} type={isPending ? 'button' : type} className={buttonLook(kind, wide, large)} />
      <span role="status" className="sr-only">
        {isPending ? 'One moment' : ''}
      </span>
    </>
  );
}

interface AnchorProps extends AnchorHTMLAttributes<HTMLAnchorElement>, Shape {
  children?: ReactNode;
  ref?: Ref<HTMLAnchorElement>;
}

function Anchor({ kind = 'primary', wide = false, large = false, className: _, ...props }: AnchorProps) {
  return <a {...props} className={buttonLook(kind, wide, large)} />;
}

/** A link that looks like a button. */
export const ButtonLink = createLink(Anchor);

/** A round button with a picture and a name for those who do not see it. */
export function IconButton({ label, children, onPress }: { label: string; children: ReactNode; onPress: () => void }) {
  return (
    <AriaButton aria-label={label} onPress={onPress} className={iconLook}>
      {children}
    </AriaButton>
  );
}

const iconLook =
  'relative inline-flex size-11 items-center justify-center rounded-full hover:bg-sunken transition-colors';

function IconAnchor({ className: _, ...props }: AnchorProps) {
  return <a {...props} className={iconLook} />;
}

/** The same as a link. */
export const IconLink = createLink(IconAnchor);

import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, ButtonHTMLAttributes, ReactNode, Ref } from 'react';
import { look } from './look';

type Kind = 'primary' | 'quiet' | 'plain' | 'danger';

const KINDS: Record<Kind, string> = {
  // The border cannot be seen, but in forced colours, where it is all that is left of the shape.
  primary: 'border border-transparent bg-accent text-on-accent hover:bg-accent-strong font-medium',
  quiet: 'border border-edge bg-surface text-ink hover:bg-sunken',
  plain: 'text-left text-accent-ink underline underline-offset-4 decoration-1 hover:decoration-2',
  danger: 'border border-bad text-bad hover:bg-bad-soft',
};

const buttonLook = (kind: Kind, wide: boolean, large: boolean): string =>
  look(
    'inline-flex items-center justify-center gap-2 rounded-control transition-colors duration-150 select-none',
    'disabled:opacity-55 disabled:cursor-not-allowed',
    kind === 'plain' ? 'min-h-11 min-w-11' : 'px-[20px]',
    large ? 'min-h-14 text-lead' : 'min-h-11',
    wide && 'w-full',
    KINDS[kind],
  );

interface Shape {
  kind?: Kind;
  wide?: boolean;
  large?: boolean;
}

interface PressProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'onClick' | 'disabled' | 'className'> {
  onPress?: () => void;
  isDisabled?: boolean;
  /** Whether it works on what was asked: it stays where it is, keeps the focus, says so and does nothing more. */
  isPending?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

/**
 * A button: the browser's own, which every page can afford. Only what the browser lacks (fields of numbers, groups of
 * radios) comes from React Aria, with the pages that need it.
 */
export function Button({
  kind = 'primary',
  wide = false,
  large = false,
  isPending = false,
  isDisabled = false,
  type = 'button',
  onPress,
  ...props
}: PressProps & Shape) {
  return (
    <>
      <button
        {...props}
        type={isPending ? 'button' : type}
        aria-busy={isPending}
        disabled={isDisabled}
        onClick={isPending ? undefined : onPress}
        className={buttonLook(kind, wide, large)}
      />
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
    <button type="button" aria-label={label} onClick={onPress} className={iconLook}>
      {children}
    </button>
  );
}

/** In pixels: what is drawn need not grow with the text, and the head of a page stays as high as it is. */
const iconLook =
  'relative inline-flex size-[44px] items-center justify-center rounded-full hover:bg-sunken transition-colors';

function IconAnchor({ className: _, ...props }: AnchorProps) {
  return <a {...props} className={iconLook} />;
}

/** The same as a link. */
export const IconLink = createLink(IconAnchor);

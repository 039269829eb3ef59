import { PICTURE } from '~/catalog/picture';
import { look } from './look';

const ARCHES = {
  plain: 'aspect-4/5 rounded-card',
  arch: 'aspect-3/4 rounded-arch',
  tall: 'aspect-3/5 rounded-arch',
};

/** A product's picture; an arch frames it as the shop's own arcade does. */
export function Picture({
  src,
  alt,
  frame = 'plain',
  eager = false,
}: {
  src: string;
  alt: string;
  frame?: keyof typeof ARCHES;
  eager?: boolean;
}) {
  return (
    <img
      src={src}
      alt={alt}
      width={PICTURE.width}
      height={PICTURE.height}
      loading={eager ? 'eager' : 'lazy'}
      fetchPriority={eager ? 'high' : 'auto'}
      decoding="async"
      className={look('w-full bg-sunken object-cover', ARCHES[frame])}
    />
  );
}

/** The same, small and square, beside a line of text. */
export function Thumb({ src }: { src: string }) {
  return (
    <img
      src={src}
      alt=""
      width={80}
      height={80}
      loading="lazy"
      className="size-20 shrink-0 rounded-control bg-sunken object-cover"
    />
  );
}

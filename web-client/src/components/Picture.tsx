import { PICTURE } from '~/catalog/picture';
import { look } from './look';

/** A product's picture; `arch` frames it as the shop's own arcade does. */
export function Picture({
  src,
  alt,
  arch = false,
  eager = false,
}: {
  src: string;
  alt: string;
  arch?: boolean;
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
      className={look('w-full bg-sunken object-cover', arch ? 'aspect-3/4 rounded-arch' : 'aspect-4/5 rounded-card')}
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

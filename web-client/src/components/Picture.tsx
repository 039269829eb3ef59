import { useState } from 'react';
import { PICTURE } from '~/catalog/picture';
import { useTheme } from '~/stores/theme';
import { look } from './look';

const FRAMES = {
  plain: 'aspect-4/5 rounded-card',
  arch: 'aspect-3/4 rounded-arch',
  tall: 'aspect-3/5 rounded-arch-tall',
  /** Lower on a phone, where the page has to begin with more than a picture; held flat, as high as there is room. */
  page: 'aspect-9/10 rounded-card object-[50%_40%] md:aspect-4/5 flat:aspect-4/5 flat:h-[calc(100svh-7rem)] flat:w-auto',
  thumb: 'aspect-square rounded-control',
};

export type Frame = keyof typeof FRAMES;

/**
 * A product's picture in the light of the theme: our own hold a second scene at `#dark`, which means nothing to those
 * of others. An arch frames it as the shop's own arcade does. Where there is no picture, an empty arch keeps its place.
 */
export function Picture({
  src,
  alt,
  frame = 'plain',
  eager = false,
}: {
  src: string;
  alt: string;
  frame?: Frame;
  eager?: boolean;
}) {
  const dark = useTheme() === 'dark';
  const [lost, setLost] = useState<string>();
  if (src === '' || lost === src) return <StandIn alt={alt} frame={frame} />;
  return (
    <img
      src={dark ? `${src}#dark` : src}
      alt={alt}
      width={PICTURE.width}
      height={PICTURE.height}
      loading={eager ? 'eager' : 'lazy'}
      fetchPriority={eager ? 'high' : 'auto'}
      decoding="async"
      onError={() => setLost(src)}
      className={look('w-full bg-sunken object-cover', FRAMES[frame])}
    />
  );
}

/** An arch with nothing in it, of the size of the picture that is missing. */
function StandIn({ alt, frame }: { alt: string; frame: Frame }) {
  return (
    <svg
      role={alt ? 'img' : undefined}
      aria-label={alt ? `${alt}, not drawn yet` : undefined}
      aria-hidden={alt === ''}
      viewBox={`0 0 ${PICTURE.width} ${PICTURE.height}`}
      preserveAspectRatio="xMidYMid slice"
      className={look('w-full bg-sunken text-edge', FRAMES[frame])}
    >
      <path
        d="M130 372V240a70 70 0 0 1 140 0v132M104 372h192"
        fill="none"
        stroke="currentColor"
        strokeWidth="5"
        strokeLinecap="round"
        strokeDasharray="2 14"
      />
    </svg>
  );
}

/** The place of a picture that is on its way. */
export function PictureBone({ frame = 'plain' }: { frame?: Frame }) {
  return <div className={look('w-full animate-shimmer bg-sunken', FRAMES[frame])} />;
}

/** In pixels: what is drawn leaves the room to letters that grow. */
const THUMBS = { normal: 'size-[80px]', small: 'size-[56px]' };

/** The same, small and square, beside a line of text. */
export function Thumb({ src = '', size = 'normal' }: { src: string | undefined; size?: keyof typeof THUMBS }) {
  return (
    <span className={look('block shrink-0', THUMBS[size])}>
      <Picture src={src} alt="" frame="thumb" />
    </span>
  );
}
